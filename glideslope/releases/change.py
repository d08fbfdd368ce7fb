"""The routing is read, and changed by one person at a time, each change on the record.

RoutingError
├── MovedError        it is not as the person saw it any more
└── OvertakenError    somebody else changes it at this moment
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced
from pydantic import ValidationError

from glideslope import cluster, operations
from glideslope.cluster import SOURCE
from glideslope.releases.routes import UNROUTED, RoutingError, Step
from shared import routing, topics
from shared.cloudevents import Event, UnreadableError
from shared.events import OffsetRange, Operation, RoutingChanged
from shared.settings import Settings

_log: Final = structlog.get_logger(__name__)


class MovedError(RoutingError):
    """The routing has changed since it was looked at."""

    def __init__(self, seen: int, now: RoutingChanged) -> None:
        super().__init__(
            f"the routing is not at revision {seen} any more but at {now.revision}: {now.operator} "
            f"did {now.action} at {now.changed_at:%Y-%m-%d %H:%M:%S %Z}. Nothing was changed: see "
            "`glideslope release status`, then repeat the command"
        )


class OvertakenError(RoutingError):
    """Another change began before this one was published."""

    def __init__(self) -> None:
        super().__init__(
            "somebody else changes the routing right now, and this change was not made: see "
            "`glideslope release status`, then repeat the command"
        )


@dataclass(frozen=True, slots=True)
class By:
    """Who changes the routing, what they do, by which words they chose it, and why."""

    operator: str
    action: str
    reason: str
    selection: str = ""


async def load(settings: Settings) -> RoutingChanged:
    """Return the routing as it stands. Raises `UnreachableError` and `TopicsMissingError`."""
    state = UNROUTED
    async with cluster.reader(settings, topics.ROUTING) as reader:
        async for _, record in reader.to_end():
            try:
                state = routing.read(record)
            except (UnreadableError, ValidationError):
                position = f"{record.topic}-{record.partition}-{record.offset}"
                _log.warning("routing_unreadable", position=position)
    return state


async def change(
    settings: Settings, step: Step, by: By, *, seen: int | None = None
) -> RoutingChanged:
    """Change the routing, and put on the record who did it, in one transaction.

    One at a time: starting the producer ends whatever another one has begun, and only then is the
    state read that `step` is taken from. With `seen` it must still have that revision. Returns
    the new state, when every reader sees it. Raises `RoutingError` and `ClusterError`.
    """
    writer = f"{settings.topic_prefix}routing"
    async with cluster.producer(settings, transactional_id=writer) as producer:
        before = await load(settings)
        if seen is not None and seen != before.revision:
            raise MovedError(seen, before)
        now = datetime.now(UTC)
        after = step(before, now).model_copy(
            update={
                "revision": before.revision + 1,
                "operator": by.operator,
                "action": by.action,
                "reason": by.reason,
                "changed_at": now,
            }
        )
        try:
            async with producer.transaction():
                offset = await _send(producer, after, settings)
                operation = Operation(
                    operator=by.operator,
                    action=by.action,
                    reason=by.reason,
                    selection=by.selection,
                    topic=topics.ROUTING.name,
                    offsets=(OffsetRange(first=offset, last=offset),),
                )
                recorded = await operations.publish(
                    producer, operation, routing.PARTITION, settings
                )
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise OvertakenError from error
    written = {topics.ROUTING: offset, topics.OPERATIONS: recorded}
    await cluster.await_committed(
        settings, {topic: {routing.PARTITION: last} for topic, last in written.items()}
    )
    return after


async def _send(producer: AIOKafkaProducer, state: RoutingChanged, settings: Settings) -> int:
    event = Event(
        id=str(uuid4()),
        type=topics.ROUTING.event_type,
        source=SOURCE,
        data=state.model_dump_json().encode(),
        time=state.changed_at.isoformat(),
    )
    sent = await producer.send_and_wait(
        settings.topic(topics.ROUTING),
        key=routing.KEY,
        partition=routing.PARTITION,
        value=event.data,
        headers=event.headers(),
    )
    offset: int = sent.offset
    return offset
