"""One question on its way: published, followed over the topics, and its end."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from glideslope import cluster
from glideslope.cluster import SOURCE
from glideslope.identity import RequestName, origin, request_of
from shared import topics
from shared.cloudevents import Event, UnreadableError
from shared.delivery import Record
from shared.events import RequestRejected, RequestSubmitted, Result
from shared.settings import Settings
from shared.topics import Topic

STANDS: Final[dict[Topic, str]] = {
    topics.REQUESTS: "published; nobody has taken it up yet: is ingest running?",
    topics.REQUESTS_ACCEPTED: "accepted; inference has not answered yet",
    topics.ANSWERS_DRAFTED: "answered; the validator has not checked it yet",
    topics.FALLBACK_REGENERATE: "its first answer failed a check; inference tries once more",
    topics.FALLBACK_REVIEW: "a person must decide: see it with `glideslope review show {id}`, then "
    "`glideslope review approve {id}`, or edit or reject it",
    topics.REVIEWS_DECIDED: "a person has decided; audit has not written the result yet",
    topics.ANSWERS_APPROVED: "approved; audit has not written the result yet",
    topics.FALLBACK_REFUSAL: "refused; audit has not written the result yet",
}
"""What it means that request `{id}` was last seen on a topic, in the order of its way."""

_ORDER: Final = list(STANDS)
_ENDS: Final = (topics.RESULTS, topics.REQUESTS_REJECTED, topics.DEAD_LETTERS)


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The request became a dead letter of `service`; it goes on when somebody redrives it."""

    service: str
    code: str
    reason: str


class NoEndError(Exception):
    """The request has not ended in the time given; `stands` is the topic it was last seen on."""

    def __init__(self, request_id: str, seconds: float, stands: Topic) -> None:
        super().__init__(
            f"request {request_id} has no result after {seconds:g} s: "
            f"{STANDS[stands].format(id=request_id)}"
        )
        self.stands = stands


def request_event(
    question: RequestSubmitted, *, tenant: str | None = None, subject: str | None = None
) -> Event:
    """Return a new request; `subject` is the person whose data it is."""
    return Event(
        id=str(uuid4()),
        type=topics.REQUESTS.event_type,
        source=SOURCE,
        data=question.model_dump_json(exclude_defaults=True).encode(),
        time=datetime.now(UTC).isoformat(),
        subject=subject,
        extensions={} if tenant is None else {"tenant": tenant},
    )


async def ask(
    event: Event,
    settings: Settings,
    *,
    conversation: str | None = None,
    seconds: float = 60.0,
    seen: Callable[[Topic], None] = lambda _: None,
) -> Result | RequestRejected | DeadLettered:
    """Publish a request and return its end. `seconds` is how long to wait for it.

    `seen` is called with each topic that it is seen on, on its way. Questions of one
    `conversation` are answered in order. Raises `NoEndError`, and `UnreachableError` and
    `TopicsMissingError` before anything is published.
    """
    key = (conversation or event.id).encode()
    name = RequestName(event.source, event.id)
    names = {settings.topic(topic): topic for topic in topics.ALL}
    newest = (0, 0)  # ms since 1970, and place in the order: topics are not read in step
    # The reader stands at the ends before anything is sent: no end is missed, no history read.
    async with (
        cluster.reader(settings, *STANDS, *_ENDS, start="end") as reader,
        cluster.producer(settings) as producer,
    ):
        sent = await producer.send_and_wait(
            settings.topic(topics.REQUESTS), key=key, value=event.data, headers=event.headers()
        )
        reader.only(sent.partition)
        try:
            async with asyncio.timeout(seconds):
                async for topic, record in reader.follow():
                    if record.key != key or not _is_about(name, topic, record, names):
                        continue
                    if topic in _ENDS:
                        return _end(topic, record)
                    newest = max(newest, (record.timestamp, _ORDER.index(topic)))
                    seen(topic)
        except TimeoutError:
            raise NoEndError(event.id, seconds, _ORDER[newest[1]]) from None
    raise AssertionError("a reader follows for ever")


def _is_about(name: RequestName, topic: Topic, record: Record, names: Mapping[str, Topic]) -> bool:
    try:
        if topic is topics.DEAD_LETTERS:
            topic = names[origin(record).topic]
        if topic in topics.SHADOWS:  # what becomes of a copy is no end of the request
            return False
        return request_of(topic, record) == name
    except (UnreadableError, LookupError, ValueError):  # not ours, in the same conversation
        return False


def _end(topic: Topic, record: Record) -> Result | RequestRejected | DeadLettered:
    value = record.value or b""
    if topic is topics.RESULTS:
        return Result.model_validate_json(value)
    if topic is topics.REQUESTS_REJECTED:
        return RequestRejected.model_validate_json(value)
    came = origin(record)
    return DeadLettered(came.service, came.code, came.reason)
