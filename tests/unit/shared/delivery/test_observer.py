import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.delivery import observer
from shared.delivery.observer import Observer
from shared.delivery.standing import PartitionStanding
from shared.delivery.transactions import Committed
from shared.metrics import PARTITION_LAG, WATERMARK_AGE, Gauge, Metrics, Reading

REQUESTS = TopicPartition("requests", 0)


@dataclass
class Worker:
    committed: Committed
    in_flight: int = 0
    oldest_seconds: float = 0.0
    is_open: bool = True
    is_held_back: bool = False


@dataclass
class Group:
    """A consumer and its assignment, as an observer sees them."""

    workers: dict[TopicPartition, Worker | None]
    ends: dict[TopicPartition, int]
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    answers: bool = True
    looks: int = 0
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.looks += 1
        self.looked.set()
        if not self.answers:
            raise KafkaConnectionError("no broker")
        return {partition: self.ends[partition] for partition in partitions}

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    async def looked_twice(self) -> None:
        """Wait until a whole look has passed."""
        wanted = self.looks + 2
        while self.looks < wanted:
            self.looked.clear()
            await asyncio.wait_for(self.looked.wait(), 5)


class Readings(Metrics):
    """Metrics that can be read in a test."""

    def __init__(self) -> None:
        super().__init__()
        self.gauges: dict[Gauge, Any] = {}

    def read_from(self, metric: Gauge, reading: Any) -> None:
        self.gauges[metric] = reading

    def of(self, metric: Gauge) -> Mapping[tuple[str, ...], float]:
        return cast("Reading", self.gauges[metric]())


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "_LOOK_SECONDS", 0.01)


@asynccontextmanager
async def observing(group: Group) -> AsyncIterator[tuple[Observer, Readings]]:
    readings = Readings()
    watcher = Observer(
        cast("Any", group), cast("Any", group), readings, {"requests": 5.0}.__getitem__
    )
    task = asyncio.create_task(watcher.observe())
    yield watcher, readings
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_lag_is_from_the_committed_offset_to_the_end_while_something_is_in_flight() -> None:
    group = Group({REQUESTS: Worker(Committed(4), in_flight=2, oldest_seconds=7)}, {REQUESTS: 9})
    async with observing(group) as (watcher, readings):
        await group.looked_twice()
        assert readings.of(PARTITION_LAG) == {("requests", "0"): 5}
        assert readings.of(WATERMARK_AGE) == {("requests", "0"): 7}
        (standing,) = watcher.partitions()
    assert (standing.position, standing.lag, standing.patience) == (4, 5, 5.0)
    assert standing.still_seconds > 0


async def test_lag_is_nothing_once_all_that_can_be_read_has_been() -> None:
    group = Group({REQUESTS: Worker(Committed(4))}, {REQUESTS: 9}, {REQUESTS: 9})
    async with observing(group) as (_, readings):
        await group.looked_twice()
        assert readings.of(PARTITION_LAG) == {("requests", "0"): 0}


async def test_a_partition_that_is_being_taken_over_has_no_lag_yet() -> None:
    group = Group({REQUESTS: None}, {})
    async with observing(group) as (watcher, readings):
        assert watcher.partitions() == (PartitionStanding("requests-0", is_open=False),)
        assert readings.of(PARTITION_LAG) == {}


async def test_a_partition_that_is_let_go_is_forgotten() -> None:
    group = Group({REQUESTS: Worker(Committed(4), in_flight=1)}, {REQUESTS: 9})
    async with observing(group) as (watcher, readings):
        await group.looked_twice()
        group.workers.clear()
        async with asyncio.timeout(5):
            while readings.of(PARTITION_LAG):  # noqa: ASYNC110 - a gauge tells nobody when it moves
                await asyncio.sleep(0.01)
        assert watcher.partitions() == ()


async def test_silence_is_measured_while_kafka_does_not_answer() -> None:
    group = Group({REQUESTS: Worker(Committed(4), in_flight=1)}, {REQUESTS: 9}, answers=False)
    async with observing(group) as (watcher, _):
        await group.looked_twice()
        silent = watcher.silent_seconds
        assert silent > 0.01
        group.answers = True
        await group.looked_twice()
        assert watcher.silent_seconds < silent
