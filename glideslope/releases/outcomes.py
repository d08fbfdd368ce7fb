"""What releases made of requests, as it stands on the topics: one outcome for each request.

No Kafka here: an `Outcomes` is told the records, in any order.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError

from glideslope.identity import origin
from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.delivery import Record
from shared.events import AnswerChecked, AnswerDrafted, RequestAccepted, ShadowChecked
from shared.settings import Settings
from shared.topics import Topic

Route = Literal["approved", "review", "refusal", "failed"]
"""Where a request went when its release was done with it; `failed`: it became a dead letter."""

_ROUTES: Final[dict[Topic, Route]] = {
    topics.ANSWERS_APPROVED: "approved",
    topics.FALLBACK_REVIEW: "review",
    topics.FALLBACK_REFUSAL: "refusal",
}
READ: Final = (
    topics.REQUESTS_ACCEPTED,
    *_ROUTES,
    topics.SHADOWS_CHECKED,
    topics.DEAD_LETTERS,
)
"""The topics that outcomes are made from."""

_SHADOW_FAILED: Final = "shadow_failed"
_WORK: Final = (topics.REQUESTS_ACCEPTED, topics.ANSWERS_DRAFTED, topics.FALLBACK_REGENERATE)


class _Asked(NamedTuple):
    """One acceptance of a request."""

    source: str
    id: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a release made of one request.

    `support` is the probability that the answer is supported, None without an answer; `seconds`
    run from the request to the machine's decision, None for a copy, which waits for the others;
    `cost` is in US dollars. `at` is when it was decided.
    """

    release: str
    conversation: str
    received_at: datetime
    at: datetime
    route: Route
    is_answered: bool
    support: float | None
    seconds: float | None
    cost: float


class Outcomes:
    """The outcomes of every release; `unreadable` counts records that say nothing."""

    def __init__(self, settings: Settings) -> None:
        self._topics = {settings.topic(topic): topic for topic in topics.ALL}
        self._live: dict[_Asked, Outcome] = {}
        self._copies: dict[tuple[str, _Asked], Outcome] = {}
        self._accepted: dict[_Asked, str] = {}
        self.unreadable = 0

    def add(self, topic: Topic, record: Record) -> Outcome | None:
        """Take in one record of a topic in `READ`; return what a request has come to with it."""
        try:
            return self._add(topic, record)
        except (UnreadableError, ValidationError, KeyError, ValueError):
            self.unreadable += 1
        return None

    def live(self, release: str | None = None) -> Iterator[Outcome]:
        """Yield what requests came to, those that a release answered or of all."""
        return (each for each in self._live.values() if release in {None, each.release})

    def copies(self, release: str) -> Iterator[Outcome]:
        """Yield what a release made in shadow."""
        return (each for (name, _), each in self._copies.items() if name == release)

    def pairs(self, one: str, other: str) -> Iterator[tuple[Outcome, Outcome]]:
        """Yield what two releases made of one request: one answered it, the other in shadow."""
        for (name, asked), copy in self._copies.items():
            live = self._live.get(asked)
            if live is None:
                continue
            if (live.release, name) == (one, other):
                yield live, copy
            elif (live.release, name) == (other, one):
                yield copy, live

    def undecided(self) -> Counter[str]:
        """Count, by release, the requests that are still on their way."""
        return Counter(
            release for asked, release in self._accepted.items() if asked not in self._live
        )

    def _add(self, topic: Topic, record: Record) -> Outcome | None:
        if topic is topics.DEAD_LETTERS:
            return self._add_dead_letter(record)
        data = cloudevents.read(record.value, record.headers).data
        if topic is topics.REQUESTS_ACCEPTED:
            request = RequestAccepted.model_validate_json(data)
            self._accepted[_asked(request)] = request.release
        elif topic is topics.SHADOWS_CHECKED:
            self._add_copy(record)
        else:
            checked = AnswerChecked.model_validate_json(data)
            outcome = _outcome(checked, record, _ROUTES[topic])
            self._live[_asked(checked.request)] = outcome
            return outcome
        return None

    def _add_copy(self, record: Record) -> None:
        copy, outcome = copied(record)
        if copy.route != "regenerate":
            self._copies[copy.request.release, _asked(copy.request)] = outcome

    def _add_dead_letter(self, record: Record) -> Outcome | None:
        topic = self._topics[origin(record).topic]
        if topic not in _WORK:
            return None
        data = cloudevents.read(record.value, record.headers).data
        if topic is topics.REQUESTS_ACCEPTED:
            request = RequestAccepted.model_validate_json(data)
        else:
            request = AnswerDrafted.model_validate_json(data).request
        # one that was redriven has come, or will come, to something better
        return self._live.setdefault(_asked(request), _failed(request, record))


def copied(record: Record) -> tuple[ShadowChecked, Outcome]:
    """Return a record of `shadows.checked`, and what the release has made of the copy by then.

    It is the end of the copy unless its route is `regenerate`. Raises `UnreadableError` and
    `ValidationError`.
    """
    data = cloudevents.read(record.value, record.headers).data
    copy = ShadowChecked.model_validate_json(data)
    failed = copy.referral is not None and copy.referral.code == _SHADOW_FAILED
    route: Route = "failed" if failed or copy.route == "regenerate" else copy.route
    return copy, _outcome(copy, record, route, is_copy=True)


def _asked(request: RequestAccepted) -> _Asked:
    return _Asked(request.request_source, request.request_id, request.received_at)


def _outcome(
    checked: AnswerChecked, record: Record, route: Route, *, is_copy: bool = False
) -> Outcome:
    request, at = checked.request, _at(record)
    answered = checked.answer is not None
    return Outcome(
        release=request.release,
        conversation=_conversation(request, record),
        received_at=request.received_at,
        at=at,
        route=route,
        is_answered=answered,
        support=checked.confidence.probability if answered else None,
        seconds=None if is_copy else max((at - request.received_at).total_seconds(), 0),
        cost=checked.usage.cost_usd,
    )


def _failed(request: RequestAccepted, record: Record) -> Outcome:
    return Outcome(
        release=request.release,
        conversation=_conversation(request, record),
        received_at=request.received_at,
        at=_at(record),
        route="failed",
        is_answered=False,
        support=None,
        seconds=None,
        cost=0,
    )


def _conversation(request: RequestAccepted, record: Record) -> str:
    if record.key is None:
        return f"{request.request_source}\n{request.request_id}"
    return record.key.hex()


def _at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
