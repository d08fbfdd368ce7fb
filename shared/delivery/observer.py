"""Looks, once a second, at how far the assigned partitions are behind, and which stand still."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared.delivery.assignment import Assignment
from shared.delivery.partition import PartitionWorker
from shared.delivery.standing import PartitionStanding
from shared.metrics import (
    PARTITION_HELD_BACK,
    PARTITION_LAG,
    PARTITIONS_OPEN,
    PROGRESS_METADATA,
    RECORDS_IN_FLIGHT,
    WATERMARK_AGE,
    Gauge,
    Metrics,
    Reading,
)

_LOOK_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 10.0

Read = Callable[[PartitionWorker], float]
_GAUGES: Final[Mapping[Gauge, Read]] = {
    RECORDS_IN_FLIGHT: lambda worker: worker.in_flight,
    WATERMARK_AGE: lambda worker: worker.oldest_seconds,
    PROGRESS_METADATA: lambda worker: len(worker.committed.metadata),
    PARTITION_HELD_BACK: lambda worker: worker.is_held_back,
}

log = structlog.get_logger(__name__)


class Stillness:
    """For how long a position has not moved although there was lag."""

    def __init__(self) -> None:
        self._position = -1
        self._since = 0.0

    def saw(self, position: int, lag: int, now: float) -> None:
        """Note how a partition stood at the monotonic time `now`, seconds."""
        if position != self._position or lag == 0:
            self._position = position
            self._since = now

    def seconds(self, now: float) -> float:
        """Return how long it stands still."""
        return now - self._since


class Observer:
    """What readiness and the gauges say about the partitions of one process.

    `patience` is how long a partition may stand still with lag, seconds, by its topic.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        assignment: Assignment,
        metrics: Metrics,
        patience: Callable[[str], float],
    ) -> None:
        self._consumer = consumer
        self._assignment = assignment
        self._patience = patience
        self._lags: Mapping[TopicPartition, int] = {}
        self._stillness: dict[TopicPartition, Stillness] = {}
        self._answered = time.monotonic()
        metrics.read_from(PARTITION_LAG, lambda: {_values(p): n for p, n in self._lags.items()})
        metrics.read_from(PARTITIONS_OPEN, lambda: {(): len(self._open())})
        for gauge, read in _GAUGES.items():
            metrics.read_from(gauge, self._reading(read))

    @property
    def silent_seconds(self) -> float:
        """For how long Kafka has not answered."""
        return time.monotonic() - self._answered

    async def observe(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._look()
            except (KafkaError, TimeoutError) as error:
                log.warning("Kafka does not say how far its partitions are", error=repr(error))
            else:
                self._answered = time.monotonic()

    def partitions(self) -> tuple[PartitionStanding, ...]:
        """Return how each assigned partition stands."""
        now = time.monotonic()
        return tuple(
            self._standing(partition, worker, now)
            for partition, worker in sorted(self._assignment.workers.items())
        )

    async def _look(self) -> None:
        partitions = list(self._open())
        # of a `read_committed` consumer these are the last stable offsets
        ends = await self._consumer.end_offsets(partitions) if partitions else {}
        now = time.monotonic()
        lags: dict[TopicPartition, int] = {}
        for partition, worker in self._open().items():
            if partition in ends:
                position = await self._position(partition, worker)
                lags[partition] = lag = max(0, ends[partition] - position)
                self._stillness.setdefault(partition, Stillness()).saw(position, lag, now)
        self._lags = lags
        for partition in self._stillness.keys() - lags.keys():
            del self._stillness[partition]

    async def _position(self, partition: TopicPartition, worker: PartitionWorker) -> int:
        """Return the committed offset; with nothing in flight, what has been read up to.

        The two differ by what no record stands for: transaction markers, compacted offsets.
        """
        committed = worker.committed.position
        if worker.in_flight:
            return committed
        try:
            return max(committed, int(await self._consumer.position(partition)))
        except IllegalStateError:  # revoked this moment
            return committed

    def _standing(
        self, partition: TopicPartition, worker: PartitionWorker | None, now: float
    ) -> PartitionStanding:
        name = f"{partition.topic}-{partition.partition}"
        if worker is None or not worker.is_open:
            return PartitionStanding(name, is_open=False)
        stillness = self._stillness.get(partition)
        return PartitionStanding(
            name,
            is_open=True,
            position=worker.committed.position,
            lag=self._lags.get(partition),
            in_flight=worker.in_flight,
            still_seconds=stillness.seconds(now) if stillness else 0.0,
            patience=self._patience(partition.topic),
        )

    def _open(self) -> dict[TopicPartition, PartitionWorker]:
        return {p: w for p, w in self._assignment.workers.items() if w is not None and w.is_open}

    def _reading(self, read: Read) -> Callable[[], Reading]:
        return lambda: {_values(p): read(worker) for p, worker in self._open().items()}


def _values(partition: TopicPartition) -> tuple[str, str]:
    return partition.topic, str(partition.partition)
