"""The ends of earlier requests, read from their topics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import AwareDatetime, BaseModel, ValidationError

from services.ingest.duplicates import Sighting
from shared import topics
from shared.connection import connection
from shared.settings import Settings

HISTORY: Final = (topics.REQUESTS_ACCEPTED, topics.REQUESTS_REJECTED)
"""The topics on which a request ends, for ingest."""
_POLL_MS: Final = 500
_FETCH_WAIT_MS: Final = 10
_BATCH: Final = 200  # the loop has heartbeats to send as well
_LAST_FEW: Final = 16

log = structlog.get_logger(__name__)


class KafkaHistory:
    """Implements `History` over `requests.accepted` and `requests.rejected`.

    Only what is committed counts. A transaction that is still open is waited for, so whoever
    calls it should have fenced the partition's former owner, which ends its transactions.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ended(self, partition: int, window: timedelta) -> AsyncIterator[Sighting]:
        """Yield each request of the partition that ended in the window before the newest one.

        The window is counted back from the newest request and not from the clock: after a pause
        the next record to come is as old as the pause is long. Raises a `KafkaError` when Kafka
        cannot be read.
        """
        partitions = [TopicPartition(self._settings.topic(topic), partition) for topic in HISTORY]
        # a committed transaction can be readable a moment late, so ends are where writing stands
        async with self._consumer("read_uncommitted", partitions) as consumer:
            written: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        async with self._consumer("read_committed", partitions) as consumer:
            ends = [_End(consumer, each, written[each]) for each in partitions]
            newest = [last for end in ends if (last := await end.last_time()) is not None]
            for end in ends if newest else ():
                async for sighting in end.since(max(newest) - window):
                    yield sighting

    @asynccontextmanager
    async def _consumer(
        self, isolation: str, partitions: list[TopicPartition]
    ) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **connection(self._settings),
            isolation_level=isolation,
            enable_auto_commit=False,
            # a fetch from one partition must not wait long for one from the other
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        await consumer.start()
        try:
            consumer.assign(partitions)  # offsets are looked up only of what is assigned
            yield consumer
        finally:
            await consumer.stop()


class _End:
    """One partition of one topic in which requests end, up to the offset `end`."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> None:
        self._consumer = consumer
        self._partition = partition
        self._end = end

    async def last_time(self) -> datetime | None:
        """Return when the newest request was received; None when there is none."""
        beginnings = await self._consumer.beginning_offsets([self._partition])
        beginning: int = beginnings[self._partition]
        few = _LAST_FEW
        while True:  # the last offsets may be those of transaction markers and aborted records
            start = max(beginning, self._end - few)
            times = [_received_at(record) async for record in self._records(start)]
            if times or start == beginning:
                return max(times, default=None)
            few *= _LAST_FEW

    async def since(self, start: datetime) -> AsyncIterator[Sighting]:
        """Yield what ended from `start` on."""
        milliseconds = max(int(start.timestamp() * 1000), 0)
        found = await self._consumer.offsets_for_times({self._partition: milliseconds})
        first = found[self._partition]
        if first is None:
            return
        async for record in self._records(first.offset):
            if sighting := _sighting(record):
                yield sighting

    async def _records(self, start: int) -> AsyncIterator[ConsumerRecord]:
        self._consumer.seek(self._partition, start)
        while await self._consumer.position(self._partition) < self._end:
            fetched = await self._consumer.getmany(
                self._partition, timeout_ms=_POLL_MS, max_records=_BATCH
            )
            for record in fetched.get(self._partition, ()):
                yield record


class _Ended(BaseModel):
    """What both ends of a request say of it."""

    request_id: str
    request_source: str
    received_at: AwareDatetime | None = None


def _sighting(record: ConsumerRecord) -> Sighting | None:
    try:  # the value alone: these topics hold our own events, whose value is the data
        ended = _Ended.model_validate_json(record.value or b"")
    except ValidationError:
        # somebody else's record: it ends no request of ours, and must not stop the service
        log.warning("not the end of a request", topic=record.topic, offset=record.offset)
        return None
    return Sighting(
        key=record.key,
        source=ended.request_source,
        id=ended.request_id,
        received_at=ended.received_at or _appended_at(record),
    )


def _received_at(record: ConsumerRecord) -> datetime:
    sighting = _sighting(record)
    return sighting.received_at if sighting else _appended_at(record)


def _appended_at(record: ConsumerRecord) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
