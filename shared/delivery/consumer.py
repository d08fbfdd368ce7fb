"""The consumer of a process: what it asks Kafka for, and how it ends."""

import asyncio
from contextlib import nullcontext
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from shared.connection import connection
from shared.delivery.assignment import Assignment
from shared.delivery.errors import FatalError
from shared.delivery.record import Record
from shared.delivery.unhurried import Unhurried
from shared.settings import Settings

_POLL_MS: Final = 100
_POLL_RECORDS: Final = 250
# So long a broker that has nothing keeps a request; partitions that rest wait for its end.
_FETCH_WAIT_MS: Final = 250
# A larger record is fetched all the same.
_FETCH_BYTES: Final = 512 * 1024  # at once, of all partitions
_FETCH_PARTITION_BYTES: Final = 128 * 1024
_REBALANCE_SLACK_SECONDS: Final = 15.0
# aiokafka would have a process leave its group that has not asked for records for five minutes,
# as one does whose partitions are all full while a model is down; and it loses count of the time
# when a wait for records is cut short. A stalled process shows in /readyz, a frozen one loses its
# session.
_MOST_IDLE_MS: Final = 2**31 - 1


def open_consumer(settings: Settings, group: str) -> AIOKafkaConsumer:
    """Return a consumer of `group` that is not started yet and commits nothing."""
    return AIOKafkaConsumer(
        **connection(settings),
        group_id=group,
        group_instance_id=settings.instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        fetch_max_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_FETCH_PARTITION_BYTES,
        # the same partition numbers of all topics: a conversation has one owner in a service
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=int(settings.heartbeat_seconds * 1000),
        max_poll_interval_ms=_MOST_IDLE_MS,
        rebalance_timeout_ms=int((settings.grace_seconds + _REBALANCE_SLACK_SECONDS) * 1000),
    )


async def fetch(consumer: AIOKafkaConsumer, assignment: Assignment, unhurried: Unhurried) -> None:
    """Hand what is fetched to the workers that have room, until cancelled."""
    while True:
        asked = await assignment.with_room()
        unhurried.wake()
        all_have_room = len(asked) == len(consumer.assignment())
        fetched: dict[TopicPartition, list[Any]] = {}
        try:
            async with nullcontext() if all_have_room else assignment.until_more_room(asked):
                fetched = await consumer.getmany(
                    *asked, timeout_ms=_POLL_MS, max_records=_POLL_RECORDS
                )
        except UnicodeDecodeError as error:
            raise FatalError(await _undecodable(consumer)) from error
        if fetched and sum(map(len, fetched.values())) < _POLL_RECORDS:
            unhurried.rest(asked, fetched)
        for partition, records in fetched.items():
            assignment.take(partition, map(Record.of, records))


async def _undecodable(consumer: AIOKafkaConsumer) -> str:
    """Say where to look for a record whose header has a name that is not UTF-8.

    Kafka's protocol has header names as UTF-8 strings; the client cannot read past another.
    """
    positions = [
        f"{p.topic}-{p.partition} from {await consumer.position(p)}"
        for p in sorted(consumer.assignment())
    ]
    return (
        "a record has a header whose name is not UTF-8, which Kafka's protocol does not allow; it "
        f"is in one of: {', '.join(positions)}. Find it with kcat, then move this group past it "
        "with kafka-consumer-groups.sh --reset-offsets"
    )


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Stop the consumer, also while its broker is away.

    aiokafka then cancels fetches that wait to be repeated, and their cancellation ends its stop.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping])
    if not stopping.cancelled():
        stopping.result()
