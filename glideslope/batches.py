"""A partition as it lies on its broker: with what no consumer is given, batch by batch.

A consumer passes over transaction markers and aborted records without a word. Here they are told
apart from what is committed, and from offsets at which nothing lies any more.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.memory_records import MemoryRecords

from glideslope import cluster
from shared.settings import Settings

_READ_COMMITTED: Final = 1
_EARLIEST: Final = -2
_LATEST: Final = -1
_WAIT_MS: Final = 200
_AT_ONCE_BYTES: Final = 4 << 20
_TRIED_FOR_SECONDS: Final = 10.0
_AGAIN_AFTER_SECONDS: Final = 0.1
_PASSING: Final = (
    KafkaConnectionError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
)
"""Errors of a moment: a partition's leader is another one than was known, or none yet."""


class Kind(Enum):
    """What a batch is to a `read_committed` consumer: the third alone is given to it."""

    MARKER = "marker"
    ABORTED = "aborted"
    COMMITTED = "committed"


class StoredRecord(Protocol):
    """One record of a batch; `timestamp` in ms since 1970."""

    @property
    def offset(self) -> int:
        """Where it stands."""

    @property
    def timestamp(self) -> int:
        """When it was written, or says that it was."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Its headers."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The offsets from `first` to `last`, with the records that are left of a committed one.

    Compaction takes records away and leaves the batch its offsets. `records` can be read once.
    """

    first: int
    last: int
    kind: Kind
    records: Iterable[StoredRecord] = ()


class Broker:
    """Reads partitions from their leaders. Raises aiokafka's `KafkaError`."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return the first offset that is kept, and the first that is not committed or aborted."""
        start, end = [
            (await self._ask(partition, lambda when=when: _offsets(partition, when)))["offset"]
            for when in (_EARLIEST, _LATEST)
        ]
        return start, end

    async def fetch(self, partition: TopicPartition, offset: int) -> list[Batch]:
        """Return some batches, from the one on that holds `offset` or comes after it.

        Empty where all that is committed or aborted lies before it.
        """
        answer = await self._ask(partition, lambda: _records(partition, offset))
        return list(_batches(answer["message_set"] or b"", answer["aborted_transactions"] or ()))

    async def _ask(self, partition: TopicPartition, request: Any) -> dict[str, Any]:
        """Send a request about one partition to its leader, again while that is passing."""
        try:
            async with asyncio.timeout(_TRIED_FOR_SECONDS):
                while True:
                    try:
                        return await self._ask_once(partition, request())
                    except _PASSING:
                        await asyncio.sleep(_AGAIN_AFTER_SECONDS)
                        await self._client.force_metadata_update()
        except TimeoutError as error:
            raise KafkaTimeoutError(
                f"no leader of partition {partition.partition} of {partition.topic} answers"
            ) from error

    async def _ask_once(self, partition: TopicPartition, request: Any) -> dict[str, Any]:
        leader = self._client.cluster.leader_for_partition(partition)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError
        while True:
            response = (await self._client.send(leader, request)).to_object()
            [topic] = response["topics"]
            [answer] = topic["partitions"]
            error: type[KafkaError] = for_code(answer["error_code"])
            if answer["error_code"]:
                raise error(f"{partition.topic}-{partition.partition}")
            # A broker that enforces a quota answers a fetch with nothing, and says for how long.
            pause = response.get("throttle_time_ms", 0) / 1000
            if not pause or answer.get("message_set", b"-"):
                found: dict[str, Any] = answer
                return found
            await asyncio.sleep(pause)


@asynccontextmanager
async def broker(settings: Settings) -> AsyncIterator[Broker]:
    """Open a reader of batches. Raises `UnreachableError`."""
    async with cluster.bare_client(settings) as client:
        yield Broker(client)


def _offsets(partition: TopicPartition, when: int) -> OffsetRequest:
    return OffsetRequest(-1, _READ_COMMITTED, [(partition.topic, [(partition.partition, when)])])


def _records(partition: TopicPartition, offset: int) -> FetchRequest:
    wanted = [(partition.topic, [(partition.partition, offset, _AT_ONCE_BYTES)])]
    return FetchRequest(_WAIT_MS, 1, _AT_ONCE_BYTES, _READ_COMMITTED, wanted)


def _batches(raw: bytes, aborted: Iterable[dict[str, int]]) -> Iterator[Batch]:
    """Take an answer apart.

    It names the transactions in it that were aborted, by producer and first offset; each goes on
    to the producer's next marker (as in `KafkaConsumer`: the broker sends aborted records too).
    """
    begun = sorted((each["first_offset"], each["producer_id"]) for each in aborted)
    aborting: set[int] = set()
    memory = MemoryRecords(raw)
    while memory.has_next():
        batch = memory.next_batch()
        while begun and begun[0][0] <= batch.base_offset:
            aborting.add(begun.pop(0)[1])
        last = batch.next_offset - 1
        if batch.is_control_batch:
            if any(ControlRecord.parse(each.key) == ABORT_MARKER for each in batch):
                aborting.discard(batch.producer_id)
            yield Batch(batch.base_offset, last, Kind.MARKER)
        elif batch.is_transactional and batch.producer_id in aborting:
            yield Batch(batch.base_offset, last, Kind.ABORTED)
        else:
            yield Batch(batch.base_offset, last, Kind.COMMITTED, batch)
