import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from shared.delivery.assignment import Assignment
from shared.delivery.errors import FatalError
from shared.delivery.transactions import Committed

PARTITION = TopicPartition("requests", 0)
OTHER = TopicPartition("requests", 1)


class Consumer:
    """As much of a consumer as an assignment needs; the log is from `beginning` to `end`."""

    def __init__(self) -> None:
        self.beginning = self.end = 0
        self.positions: dict[TopicPartition, int] = {}

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[Any, int]:
        return dict.fromkeys(partitions, self.beginning)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[Any, int]:
        return dict.fromkeys(partitions, self.end)

    def seek(self, partition: TopicPartition, position: int) -> None:
        self.positions[partition] = position


class Worker:
    """Opens, and finds out that it was fenced when the test says so or when it is drained."""

    def __init__(
        self,
        fenced: Callable[[], None],
        has_room: Callable[[], None],
        committed: Committed | None = None,
    ) -> None:
        self.committed = committed
        self.fenced = fenced
        self.has_room = has_room
        self.is_open = True
        self.is_full = False
        self.is_fenced_at_last = False
        self.finished = asyncio.Event()
        self.finished.set()
        self.draining = asyncio.Event()

    async def open(self) -> Committed | None:
        return self.committed

    def begin(self, progress: object) -> None:
        pass

    async def drain(self, _seconds: float) -> None:
        self.draining.set()
        await self.finished.wait()
        if self.is_fenced_at_last:
            self.fenced()


class Bench:
    def __init__(self) -> None:
        self.workers: list[Worker] = []
        self.consumer = Consumer()
        self.committed: Committed | None = None
        self.opened = asyncio.Event()
        self.let_go: list[tuple[str, int]] = []
        self.failures: list[BaseException] = []
        self.failed = asyncio.Event()
        self.broken: Exception | None = None
        self.assignment = Assignment(
            self.consumer,
            self._worker,  # type: ignore[arg-type] # a stand-in
            on_assigned=None,
            on_revoked=self._on_revoked,
            failed=self._fail,
            drain_seconds=1,
            reopen_seconds=0.01,
        )

    def _fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.failed.set()

    async def _on_revoked(self, topic: str, partition: int) -> None:
        if self.broken is not None:
            raise self.broken
        self.let_go.append((topic, partition))

    def _worker(
        self, *_: object, fenced: Callable[[], None], has_room: Callable[[], None]
    ) -> Worker:
        self.workers.append(Worker(fenced, has_room, self.committed))
        self.opened.set()
        return self.workers[-1]


async def test_a_fenced_partition_that_is_still_assigned_is_taken_over_again() -> None:
    bench = Bench()
    await bench.assignment.on_partitions_assigned([PARTITION])
    await bench.assignment.settled()
    bench.opened.clear()
    bench.workers[0].fenced()
    await asyncio.wait_for(bench.opened.wait(), 5)
    await bench.assignment.drain()
    assert len(bench.workers) == 2


async def test_a_partition_that_is_fenced_while_it_is_let_go_is_left_to_its_owner() -> None:
    bench = Bench()
    await bench.assignment.on_partitions_assigned([PARTITION])
    await bench.assignment.settled()
    bench.workers[0].is_fenced_at_last = True
    await bench.assignment.on_partitions_revoked([PARTITION])
    assert bench.assignment._opening == {}
    assert len(bench.workers) == 1


async def test_what_is_assigned_after_the_last_drain_is_not_opened() -> None:
    bench = Bench()
    await bench.assignment.drain()
    await bench.assignment.on_partitions_assigned([PARTITION])
    assert bench.assignment._opening == {}


async def test_a_rebalance_waits_for_what_a_stopping_service_has_in_flight() -> None:
    bench = Bench()
    await bench.assignment.on_partitions_assigned([PARTITION])
    await bench.assignment.settled()
    bench.workers[0].finished.clear()
    stopping = asyncio.create_task(bench.assignment.drain())
    revoking = asyncio.create_task(bench.assignment.on_partitions_revoked([PARTITION]))
    done, _ = await asyncio.wait([stopping, revoking], timeout=0.05)
    assert not done, "the partition was handed on while its worker was at work"
    assert bench.let_go == []
    bench.workers[0].finished.set()
    await asyncio.gather(stopping, revoking)
    assert bench.let_go == [PARTITION]


async def test_a_fenced_partition_that_is_revoked_while_its_work_is_dropped_is_waited_for() -> None:
    bench = Bench()
    await bench.assignment.on_partitions_assigned([PARTITION])
    await bench.assignment.settled()
    fenced = bench.workers[0]
    fenced.finished.clear()
    fenced.fenced()
    await asyncio.wait_for(fenced.draining.wait(), 5)
    revoking = asyncio.create_task(bench.assignment.on_partitions_revoked([PARTITION]))
    done, _ = await asyncio.wait([revoking], timeout=0.05)
    assert not done, "its handlers go on after the partition was handed on"
    fenced.finished.set()
    await revoking


async def test_a_service_that_cannot_let_go_of_a_partition_stops() -> None:
    bench = Bench()
    await bench.assignment.on_partitions_assigned([PARTITION])
    await bench.assignment.settled()
    bench.broken = OSError("the log does not close")
    with pytest.raises(OSError, match="does not close"):
        await bench.assignment.on_partitions_revoked([PARTITION])
    assert bench.failures == [bench.broken]


async def test_a_wait_for_records_ends_when_a_partition_that_was_full_has_room() -> None:
    bench = Bench()
    await bench.assignment.on_partitions_assigned([PARTITION, OTHER])
    await bench.assignment.settled()
    asked, full = bench.workers
    full.is_full = True
    reached = False
    async with asyncio.timeout(5), bench.assignment.until_more_room([PARTITION]):
        asked.has_room()  # it was asked anyway
        await asyncio.sleep(0)
        full.is_full = False
        full.has_room()
        await asyncio.Event().wait()
        reached = True
    assert not reached
    full.has_room()  # by now nobody waits
    async with bench.assignment.until_more_room([PARTITION, OTHER]):
        full.has_room()  # nor does anybody wait for what was asked
        await asyncio.sleep(0)
        reached = True
    assert reached


async def test_a_wait_for_records_tells_an_error_of_their_own() -> None:
    bench = Bench()
    with pytest.raises(TimeoutError):
        async with bench.assignment.until_more_room([PARTITION]):
            raise TimeoutError


async def test_a_committed_offset_beyond_the_logs_end_stops_the_service_and_says_why() -> None:
    bench = Bench()
    bench.consumer.end, bench.committed = 10, Committed(11)
    await bench.assignment.on_partitions_assigned([PARTITION])
    await asyncio.wait_for(bench.failed.wait(), 30)
    [failure] = bench.failures
    assert isinstance(failure, FatalError)
    assert "requests-0 ends at 10, before the committed offset 11" in str(failure)
    assert "kafka-consumer-groups.sh" in str(failure)
    assert bench.consumer.positions == {}
    await bench.assignment.drain()


async def test_what_was_deleted_before_it_was_read_is_told_with_its_number() -> None:
    bench = Bench()
    bench.consumer.beginning, bench.consumer.end, bench.committed = 8, 20, Committed(5)
    with capture_logs() as said:
        await bench.assignment.on_partitions_assigned([PARTITION])
        await bench.assignment.settled()
    [lost] = [line for line in said if line["log_level"] == "error"]
    assert (lost["first"], lost["count"]) == (5, 3)
    assert bench.consumer.positions == {PARTITION: 5}
    await bench.assignment.drain()
