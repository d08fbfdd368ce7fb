"""What a person does by hand is on the record: an event on `operations`, which audit logs.

What was redriven is known from there alone. A committed offset would not do: a group without
members loses its offsets after a week (Kafka's `offsets.retention.minutes`; KIP-211), and every
dead letter would be sent once more.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from pydantic import ValidationError

from glideslope import cluster
from shared import cloudevents, topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import OffsetRange, Operation
from shared.settings import Settings

REDRIVE: Final = "dlq.redrive"
REVEAL: Final = "dlq.reveal"


class Redriven:
    """Positions on `dead.letters` that were redriven: (partition, offset) pairs to look up."""

    def __init__(self) -> None:
        self._ranges: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)

    def add(self, record: Record) -> None:
        """Note what one record of `operations` says; one that is no event of ours says nothing."""
        operation = read(record)
        if operation is None or operation.action != REDRIVE:
            return
        if operation.topic == topics.DEAD_LETTERS.name:
            of_partition = self._ranges[record.partition]
            of_partition += [(each.first, each.last) for each in operation.offsets]
            of_partition.sort()

    def __contains__(self, position: object) -> bool:
        match position:
            case (int(partition), int(offset)):
                ranges = self._ranges.get(partition, [])
                # ranges are disjoint: nothing is redriven twice
                index = bisect_right(ranges, offset, key=lambda each: each[0]) - 1
                return index >= 0 and offset <= ranges[index][1]
        return False


async def redriven(settings: Settings, partition: int | None = None) -> Redriven:
    """Read what has been redriven, of all partitions or of one.

    Raises `UnreachableError` and `TopicsMissingError`.
    """
    found = Redriven()
    async for record in _read_all(settings, partition):
        found.add(record)
    return found


def read(record: Record) -> Operation | None:
    """Return what a record of `operations` says, None where it is no event of ours."""
    try:
        event = cloudevents.read(record.value, record.headers)
        if event.type != topics.OPERATIONS.event_type:
            return None
        return Operation.model_validate_json(event.data)
    except (cloudevents.UnreadableError, ValidationError):
        return None


async def publish(
    producer: AIOKafkaProducer, operation: Operation, partition: int, settings: Settings
) -> int:
    """Put an operation on the record, under the partition number of what it is done to.

    Return its offset. It is with the brokers when this returns, and in the log once its
    transaction, if there is one, is committed.
    """
    event = Event(
        id=str(uuid4()),
        type=topics.OPERATIONS.event_type,
        source=cluster.SOURCE,
        data=operation.model_dump_json().encode(),
        time=datetime.now(UTC).isoformat(),
    )
    sent = await producer.send_and_wait(
        settings.topic(topics.OPERATIONS),
        partition=partition,
        value=event.data,
        headers=event.headers(),
    )
    offset: int = sent.offset
    return offset


def ranges(offsets: Iterable[int]) -> tuple[OffsetRange, ...]:
    """Return ascending offsets as ranges without gaps."""
    found: list[list[int]] = []
    for offset in offsets:
        if found and found[-1][1] == offset - 1:
            found[-1][1] = offset
        else:
            found.append([offset, offset])
    return tuple(OffsetRange(first=first, last=last) for first, last in found)


async def _read_all(settings: Settings, partition: int | None) -> AsyncIterator[Record]:
    async with cluster.reader(settings, topics.OPERATIONS) as reader:
        if partition is not None:
            place = TopicPartition(settings.topic(topics.OPERATIONS), partition)
            reader.start_at({**reader.ends, place: reader.beginnings[place]})
        async for _, record in reader.to_end():
            yield record
