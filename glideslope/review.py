"""What waits for a person, and what people decided.

Errors that a person can do something about:

    ReviewError
    ├── UnknownItemError       nothing of this id has ever waited
    ├── AmbiguousItemError     requests of several sources have this id
    ├── AlreadyDecidedError    somebody was faster
    ├── NothingToApproveError  there is no answer that could be let out
    └── OvertakenError         somebody decides in the same partition at this moment
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from glideslope import cluster
from glideslope.identity import RequestName
from shared import cloudevents, topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import Answer, AnswerChecked, ReviewDecided
from shared.settings import Settings

SOURCE = "/glideslope/review"
"""CloudEvents source of a person's decision."""


class ReviewError(Exception):
    """A decision cannot be made as it was asked for."""


class UnknownItemError(ReviewError):
    """Nothing with this id waits or has waited."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"no request {request_id!r} waits for a person: see `glideslope review list`"
        )


class AmbiguousItemError(ReviewError):
    """Several sources have sent a request with this id."""

    def __init__(self, request_id: str, sources: Iterable[str]) -> None:
        super().__init__(
            f"several requests have the id {request_id!r}: "
            f"say which with --source, one of {', '.join(sorted(sources))}"
        )


class AlreadyDecidedError(ReviewError):
    """The item has been decided."""

    def __init__(self, decided: ReviewDecided) -> None:
        self.decided = decided
        super().__init__(
            f"request {decided.item.request.request_id!r} was {decided.decision} by "
            f"{decided.reviewer} at {decided.decided_at:%Y-%m-%d %H:%M:%S %Z}: nothing to do"
        )


class NothingToApproveError(ReviewError):
    """The item has no answer."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request {request_id!r} has no answer to approve: "
            "write one with `review edit`, or reject it"
        )


class OvertakenError(ReviewError):
    """Another decision began in the same partition before this one was published."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"somebody else decides right now, and the decision on {request_id!r} was not "
            "published: repeat the command"
        )


@dataclass(frozen=True, slots=True)
class Item:
    """An answer that waits for a person, with the record it came in."""

    checked: AnswerChecked
    record: Record

    @property
    def name(self) -> RequestName:
        """The request that it answers."""
        return RequestName(self.checked.request.request_source, self.checked.request.request_id)

    @property
    def since(self) -> datetime:
        """When it came to wait."""
        return datetime.fromtimestamp(self.record.timestamp / 1000, UTC)

    def approve(self, reviewer: str) -> ReviewDecided:
        """Let the answer out as it is. Raises `NothingToApproveError`."""
        if self.checked.answer is None:
            raise NothingToApproveError(self.name.id)
        return ReviewDecided(
            item=self.checked,
            decision="approved",
            answer=self.checked.answer,
            reviewer=reviewer,
            decided_at=datetime.now(UTC),
        )

    def edit(self, reviewer: str, text: str) -> ReviewDecided:
        """Let out another text, with the citations of the answer that it replaces."""
        cited = () if self.checked.answer is None else self.checked.answer.citations
        return ReviewDecided(
            item=self.checked,
            decision="edited",
            answer=Answer(text=text, citations=cited),
            reviewer=reviewer,
            decided_at=datetime.now(UTC),
        )

    def reject(self, reviewer: str, reason: str) -> ReviewDecided:
        """Let nothing out, and say why."""
        return ReviewDecided(
            item=self.checked,
            decision="rejected",
            answer=None,
            reviewer=reviewer,
            reason=reason,
            decided_at=datetime.now(UTC),
        )


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, the longest first, and what has been decided.

    `unreadable` are the positions of records that are neither.
    """

    pending: Mapping[RequestName, Item]
    decided: Mapping[RequestName, ReviewDecided]
    unreadable: tuple[str, ...] = ()

    def item(self, request_id: str, source: str | None = None) -> Item:
        """Return a pending item by its request's id, and its source where several have the id.

        Raises `UnknownItemError`, `AmbiguousItemError` and `AlreadyDecidedError`.
        """
        known = {
            name
            for name in (*self.pending, *self.decided)
            if name.id == request_id and source in {None, name.source}
        }
        # one that waits is meant rather than one that is over
        names = known & self.pending.keys() or known
        if not names:
            raise UnknownItemError(request_id)
        if len(names) > 1:
            raise AmbiguousItemError(request_id, [name.source for name in names])
        name = names.pop()
        if name in self.decided:
            raise AlreadyDecidedError(self.decided[name])
        return self.pending[name]


def queue(
    items: Iterable[Item], decisions: Iterable[ReviewDecided], unreadable: Iterable[str] = ()
) -> Queue:
    """Return what waits: the items without a decision. Of two decisions the first counts."""
    decided: dict[RequestName, ReviewDecided] = {}
    for decision in decisions:
        request = decision.item.request
        decided.setdefault(RequestName(request.request_source, request.request_id), decision)
    waiting = sorted(items, key=lambda item: item.record.timestamp)
    pending = {item.name: item for item in waiting if item.name not in decided}
    return Queue(pending, decided, tuple(unreadable))


def decision_event(item: Item, decision: ReviewDecided) -> Event:
    """Return the event that publishes a decision: one item has one, whoever decides it."""
    waiting = cloudevents.read(item.record.value, item.record.headers)
    return waiting.derive(
        decision,
        type=topics.REVIEWS_DECIDED.event_type,
        source=SOURCE,
        stage=topics.REVIEWS_DECIDED.name,
    )


async def load(settings: Settings) -> Queue:
    """Read the queue. Raises `UnreachableError` and `TopicsMissingError`."""
    items: list[Item] = []
    decisions: list[ReviewDecided] = []
    unreadable: list[str] = []
    async with cluster.reader(settings, topics.FALLBACK_REVIEW, topics.REVIEWS_DECIDED) as reader:
        async for topic, record in reader.to_end():
            try:
                data = cloudevents.read(record.value, record.headers).data
                if topic is topics.FALLBACK_REVIEW:
                    items.append(Item(AnswerChecked.model_validate_json(data), record))
                else:
                    decisions.append(ReviewDecided.model_validate_json(data))
            except ValueError:  # neither an event nor its data: the others can be decided
                unreadable.append(f"{record.topic}-{record.partition}-{record.offset}")
    return queue(items, decisions, unreadable)


async def decide(
    request_id: str,
    source: str | None,
    judge: Callable[[Item], ReviewDecided],
    settings: Settings,
) -> ReviewDecided:
    """Have a pending item judged and publish the decision: same key, same partition number.

    Two people who decide one item at a time make one decision: the producer's transactional id
    names the partition, so starting it ends whatever another one has begun there, and only then is
    it asked once more whether the item still waits. Raises `ReviewError` and `ClusterError`.
    """
    item = (await load(settings)).item(request_id, source)
    decision = judge(item)
    event = decision_event(item, decision)
    partition = item.record.partition
    # that of the relay of services/review, so that neither publishes past the other
    decided = settings.topic(topics.REVIEWS_DECIDED)
    writer = f"{settings.topic_prefix}review-outbox-{decided}-{partition}"
    async with cluster.producer(settings, transactional_id=writer) as producer:
        (await load(settings)).item(*reversed(item.name))
        try:
            async with producer.transaction():
                await producer.send_and_wait(
                    settings.topic(topics.REVIEWS_DECIDED),
                    key=item.record.key,
                    partition=partition,
                    value=event.data,
                    headers=event.headers(),
                )
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise OvertakenError(request_id) from error
    return decision
