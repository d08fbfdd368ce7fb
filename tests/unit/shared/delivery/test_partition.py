import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from math import inf

import pytest

from shared.delivery.budget import Budget
from shared.delivery.errors import CommitError, FatalError, FencedError
from shared.delivery.limits import Limits
from shared.delivery.partition import PartitionWorker
from shared.delivery.progress import Progress
from shared.delivery.record import Output, Record
from shared.delivery.slots import Slots
from shared.delivery.transactions import Committed
from shared.metrics import PARTITIONS_FENCED, RECORDS_COMMITTED, TRANSACTIONS_REPEATED, Metrics


@dataclass
class InMemoryTransactions:
    """Commits to a list; fails as it is told to."""

    committed: Committed | None = None
    outputs: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    applied_despite_failure: bool = False
    starts: int = 0
    closed: bool = False
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None

    async def start(self) -> Committed | None:
        self.starts += 1
        return self.committed

    async def commit(self, outputs: Sequence[Output], progress: Committed) -> None:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or self.applied_despite_failure:
            self.outputs += [output.topic for output in outputs]
            self.batches.append(len(outputs))
            self.committed = progress
            async with self.progress:
                self.progress.notify_all()
        if failure is not None:
            raise failure

    async def close(self) -> None:
        self.closed = True

    async def reaches(self, position: int) -> None:
        async with self.progress:
            await asyncio.wait_for(
                self.progress.wait_for(
                    lambda: self.committed is not None and self.committed.position >= position
                ),
                5,
            )

    async def produces(self, *outputs: str) -> None:
        async with self.progress:
            await asyncio.wait_for(
                self.progress.wait_for(lambda: set(outputs) <= set(self.outputs)), 5
            )


@dataclass
class Bench:
    """A worker with handlers that finish when the test says so."""

    transactions: InMemoryTransactions
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    started: list[int] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    fenced: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    slots: Slots = field(default_factory=lambda: Slots(10))
    broken: set[int] = field(default_factory=set)
    raising: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)
    """Records whose handlers publish nothing."""
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)
    retried: list[tuple[int, Exception | None]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    async def first(self, record: Record, holder: object) -> list[Output]:
        await self.slots.acquire(holder)
        try:
            self.started.append(record.offset)
            self.changed.set()
            self.meanwhile.get(record.offset, int)()
            if record.offset in self.broken:
                raise FatalError("the disk is gone")
            if record.offset in self.raising:
                raise ValueError(record.offset)
            if record.offset in self.gates:
                await self.gates[record.offset].wait()
        finally:
            self.slots.release(holder)
        if record.offset in self.silent:
            return []
        return [Output(f"out-{record.offset}", record.key, b"", ())]

    async def further(self, record: Record, error: Exception | None) -> list[Output]:
        self.retried.append((record.offset, error))
        return [Output(f"retried-{record.offset}", record.key, b"", ())]

    def hold(self, *offsets: int) -> None:
        self.gates |= {offset: asyncio.Event() for offset in offsets}

    async def has_started(self, *offsets: int) -> None:
        while not set(offsets) <= set(self.started):
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.failed.set()


@asynccontextmanager
async def working(  # noqa: PLR0913 - each is one thing that a test sets
    transactions: InMemoryTransactions,
    limits: Limits,
    slots: int = 10,
    progress: type[Progress] = Progress,
    *,
    by_key: bool = True,
    budget: Budget | None = None,
) -> AsyncIterator[tuple[PartitionWorker, Bench]]:
    bench = Bench(transactions, slots=Slots(slots))
    worker = PartitionWorker(
        "requests-0",
        transactions,
        bench,
        bench.slots,
        failed=bench.fail,
        fenced=bench.fenced.set,
        has_room=bench.room.set,
        limits=limits,
        by_key=by_key,
        budget=budget,
        topic="requests",
        metrics=bench.metrics,
    )
    committed = await worker.open() or Committed(0)
    worker.begin(progress(committed.position, committed.metadata))
    yield worker, bench
    await worker.drain(0)


def record(offset: int, key: bytes | None = None, value: bytes = b"{}") -> Record:
    return Record("requests", 0, offset, 0, key, value)


async def test_a_slow_record_does_not_hold_back_its_neighbours() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(1)
        for offset, key in ((0, b"a"), (1, b"b"), (2, b"c")):
            worker.take(record(offset, key))
        await transactions.produces("out-0", "out-2")
        assert transactions.committed is not None
        assert transactions.committed.position == 1
        bench.gates[1].set()
        await transactions.reaches(3)
        assert sorted(transactions.outputs) == ["out-0", "out-1", "out-2"]


async def test_a_restart_repeats_only_the_slow_record() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(1)
        for offset in range(4):
            worker.take(record(offset))
        await transactions.produces("out-0", "out-2", "out-3")
    async with working(transactions, Limits()) as (worker, bench):
        for offset in range(1, 5):
            worker.take(record(offset))
        await transactions.reaches(5)
        assert bench.started == [1, 4]
    assert sorted(transactions.outputs) == [f"out-{offset}" for offset in range(5)]


async def test_records_of_one_key_run_one_after_the_other() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(0)
        for offset, key in ((0, b"a"), (1, b"a"), (2, None), (3, b"b")):
            worker.take(record(offset, key))
        await bench.has_started(0, 2, 3)
        assert 1 not in bench.started
        bench.gates[0].set()
        await transactions.reaches(4)
        assert bench.started.index(1) > bench.started.index(0)


async def test_a_record_of_a_key_that_comes_while_others_wait_is_handled_after_them() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(0, 1, 2)
        worker.take(*(record(offset, b"a") for offset in range(3)))
        await bench.has_started(0)
        bench.gates[0].set()
        await bench.has_started(1)
        worker.take(record(3, b"a"), record(4, b"b"))
        await bench.has_started(4)
        bench.gates[1].set()
        await bench.has_started(2)
        worker.take(record(5, b"b"))
        await bench.has_started(5)
        assert bench.started == [0, 1, 4, 2, 5]
        bench.gates[2].set()
        await transactions.reaches(6)
        assert bench.started == [0, 1, 4, 2, 5, 3]


async def test_without_keys_all_records_begin_in_the_order_of_their_offsets() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), by_key=False) as (worker, bench):
        bench.hold(0, 1, 2)
        for offset, key in ((0, b"a"), (1, b"a"), (2, None), (3, b"a")):
            worker.take(record(offset, key))
        await bench.has_started(0, 1, 2, 3)
        assert bench.started == [0, 1, 2, 3]
        for gate in bench.gates.values():
            gate.set()
        await transactions.reaches(4)


async def test_handlers_that_never_wait_let_others_have_their_turn() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.meanwhile = dict.fromkeys(range(6), lambda: time.sleep(0.02))
        worker.take(*map(record, range(6)))
        await transactions.reaches(1)
        assert len(bench.started) < 6, "the first are committed before the last begin"
        await transactions.reaches(6)


async def test_more_records_than_slots_whose_handlers_take_longer_than_a_turn_are_handled() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), slots=1) as (worker, bench):
        bench.hold(*range(4))
        bench.meanwhile = dict.fromkeys(range(4), lambda: time.sleep(0.02))
        worker.take(*map(record, range(4)))
        for offset in range(4):
            await bench.has_started(offset)
            bench.gates[offset].set()
        await transactions.reaches(4)
    assert bench.started == [0, 1, 2, 3]


async def test_there_is_room_for_more_while_a_transaction_is_under_way() -> None:
    gate = asyncio.Event()
    transactions = InMemoryTransactions(gate=gate)
    async with working(transactions, Limits(records=1)) as (worker, bench):
        worker.take(record(0))
        await transactions.begun.wait()
        assert bench.room.is_set()
        assert not worker.is_full
        gate.set()


async def test_a_record_that_fails_is_retried_and_the_next_of_its_key_waits_for_it() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.raising.add(0)
        for offset, key in ((0, b"a"), (1, b"a"), (2, b"b")):
            worker.take(record(offset, key))
        await transactions.reaches(3)
    assert [(offset, type(error)) for offset, error in bench.retried] == [(0, ValueError)]
    assert bench.started.index(1) > bench.started.index(0)
    outputs = transactions.outputs
    assert outputs.index("out-1") > outputs.index("retried-0")


async def test_no_more_records_run_at_once_than_there_are_slots() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), slots=2) as (worker, bench):
        bench.hold(0, 1, 2)
        for offset in range(3):
            worker.take(record(offset))
        await bench.has_started(0, 1)
        assert bench.started == [0, 1]
        bench.gates[1].set()
        await bench.has_started(2)
        for gate in bench.gates.values():
            gate.set()
        await transactions.reaches(3)


async def test_what_finished_meanwhile_shares_a_transaction() -> None:
    transactions = InMemoryTransactions(gate=asyncio.Event())
    async with working(transactions, Limits(batch=50), slots=100) as (worker, bench):
        worker.take(record(0))
        await bench.has_started(0)
        await transactions.begun.wait()
        for offset in range(1, 101):
            worker.take(record(offset))
        await bench.has_started(100)
        assert transactions.gate is not None
        transactions.gate.set()
        await transactions.reaches(101)
        assert transactions.batches == [1, 50, 50]


@pytest.mark.parametrize("applied", [False, True])
async def test_a_commit_of_unknown_outcome_is_repeated_only_if_it_was_not_applied(
    applied: bool,
) -> None:
    transactions = InMemoryTransactions(
        failures=[CommitError("connection reset")], applied_despite_failure=applied
    )
    async with working(transactions, Limits()) as (worker, _):
        worker.take(record(0))
        await transactions.reaches(1)
        worker.take(record(1))
        await transactions.reaches(2)
    assert transactions.outputs == ["out-0", "out-1"]
    assert transactions.starts == 2


async def test_a_fenced_worker_says_so_and_takes_nothing_more() -> None:
    transactions = InMemoryTransactions(failures=[FencedError("newer producer")])
    async with working(transactions, Limits()) as (worker, bench):
        worker.take(record(0))
        await asyncio.wait_for(bench.fenced.wait(), 5)
        assert not worker.is_open
        assert transactions.outputs == []
        assert bench.failures == []


async def test_a_fatal_error_is_told_and_its_record_not_committed() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.broken.add(1)
        for offset in range(3):
            worker.take(record(offset))
        await asyncio.wait_for(bench.failed.wait(), 5)
        await worker.drain(1)
        assert [type(error) for error in bench.failures] == [FatalError]
        assert sorted(transactions.outputs) == ["out-0", "out-2"]
        assert transactions.committed is not None
        assert transactions.committed.position == 1


async def test_nothing_of_a_key_passes_the_record_of_it_that_failed_fatally() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.broken.add(0)
        worker.take(record(0, b"a"))
        worker.take(record(1, b"a"))
        await asyncio.wait_for(bench.failed.wait(), 5)
        await worker.drain(1)
        assert bench.started == [0]
        assert transactions.outputs == []


async def test_a_full_worker_says_when_it_has_room_again() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(records=2)) as (worker, bench):
        bench.hold(0, 1)
        worker.take(record(0))
        assert not worker.is_full
        worker.take(record(1))
        assert worker.is_full
        bench.gates[0].set()
        await asyncio.wait_for(bench.room.wait(), 5)
        assert not worker.is_full
        bench.gates[1].set()


async def test_large_records_fill_a_worker_too() -> None:
    limits, roomy = Limits(bytes=1000), Budget(10_000)  # the process may hold more than it
    async with working(InMemoryTransactions(), limits, budget=roomy) as (worker, bench):
        bench.hold(0)
        worker.take(record(0, value=b"x" * 1000))
        assert worker.is_full


async def test_records_with_large_headers_fill_a_worker_too() -> None:
    async with working(InMemoryTransactions(), Limits(bytes=1000)) as (worker, bench):
        bench.hold(0)
        worker.take(replace(record(0), headers=(("theirs", b"x" * 1000), ("null", None))))
        assert worker.is_full


async def test_what_published_nothing_is_committed_with_what_did() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(linger=60)) as (worker, bench):
        bench.silent = {0, 1}
        for offset in (0, 1):
            worker.take(record(offset))
        await bench.has_started(0, 1)
        worker.take(record(2))
        await transactions.reaches(3)
        assert transactions.batches == [1]


async def test_what_published_nothing_lingers_no_longer_than_there_is_room() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(records=4, linger=60)) as (worker, bench):
        bench.silent = {0, 1, 2}
        for offset in (0, 1):
            worker.take(record(offset))
        await transactions.reaches(2)
        worker.take(record(2))
        await bench.has_started(2)
    assert transactions.committed == Committed(3), "a drain waits for nothing"


async def test_what_published_nothing_is_committed_when_it_has_lingered() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(linger=0.01)) as (worker, bench):
        bench.silent = {0}
        worker.take(record(0))
        await transactions.reaches(1)
        assert transactions.batches == [0], "one commit, without outputs"


async def test_what_published_nothing_lingers_no_longer_once_nothing_more_finishes() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(linger=3600, lull=0.01)) as (worker, bench):
        bench.silent = {0, 1}
        worker.take(record(0), record(1))
        await transactions.reaches(2)
    assert transactions.batches == [0], "one commit, without outputs"


async def test_a_full_worker_that_has_much_to_do_commits_no_record_by_itself() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(records=4, linger=3600)) as (worker, bench):
        bench.silent = {0, 1, 2, 3}
        bench.hold(0, 1, 2, 3)
        worker.take(*map(record, range(4)))
        await bench.has_started(0, 1, 2, 3)
        bench.gates[0].set()
        for _ in range(20):  # turns of the loop: time enough for a commit
            await asyncio.sleep(0)
        bench.gates[1].set()
        await transactions.reaches(2)
        assert transactions.batches == [0], "one commit for both"
        bench.gates[2].set()
        bench.gates[3].set()


async def test_after_a_transaction_of_several_records_the_next_takes_along_what_finishes() -> None:
    gate = asyncio.Event()
    transactions = InMemoryTransactions(gate=gate)
    limits = Limits(records=6, rest=1e9, longest_rest=inf)  # until half of them have finished
    async with working(transactions, limits) as (worker, bench):
        worker.take(record(0))
        await transactions.begun.wait()
        worker.take(record(1), record(2))
        await bench.has_started(1, 2)
        gate.set()
        await transactions.reaches(3)
        worker.take(record(3))
        await bench.has_started(3)
        worker.take(record(4), record(5))
        await transactions.reaches(6)
    assert transactions.batches == [1, 2, 3]


async def test_records_that_come_one_at_a_time_wait_for_nobody() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(rest=1e9, longest_rest=inf)) as (worker, _):
        for offset in range(5):
            worker.take(record(offset))
            await transactions.reaches(offset + 1)
    assert transactions.batches == [1] * 5


async def test_a_transaction_does_not_wait_where_there_is_no_room_for_more() -> None:
    transactions = InMemoryTransactions()
    limits = Limits(bytes=1000, rest=1e9, longest_rest=inf)
    async with working(transactions, limits) as (worker, _):
        for offset in range(0, 8, 2):
            worker.take(*(record(each, value=b"-" * 500) for each in (offset, offset + 1)))
            await transactions.reaches(offset + 2)
    assert transactions.batches == [2] * 4


def test_a_rest_is_longer_the_slower_the_transaction_was_and_none_after_a_brisk_one() -> None:
    limits = Limits(rest=2.0, brisk=0.01, longest_rest=0.1)

    rests = [limits.rest_after(took) for took in (0.004, 0.01, 0.03, 3.0)]

    assert rests == pytest.approx([0.0, 0.0, 0.04, 0.1])


async def test_draining_finishes_and_commits_what_is_in_flight() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(0)
        worker.take(record(0))
        worker.take(record(1))
        await bench.has_started(0, 1)
        draining = asyncio.create_task(worker.drain(5))
        bench.gates[0].set()
        await draining
        assert sorted(transactions.outputs) == ["out-0", "out-1"]
        assert transactions.closed


async def test_draining_gives_up_what_takes_too_long_and_commits_the_rest() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(1)
        for offset in range(3):
            worker.take(record(offset))
        await bench.has_started(0, 1, 2)
        await worker.drain(0.05)
        assert transactions.committed is not None
        assert transactions.committed.position == 1
        assert sorted(transactions.outputs) == ["out-0", "out-2"]


async def test_a_partition_that_may_drain_for_a_moment_only_is_gone_after_it() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(drain=0.05)) as (worker, bench):
        bench.hold(1)
        for offset in range(2):
            worker.take(record(offset))
        await bench.has_started(0, 1)
        async with asyncio.timeout(10):  # well below what it is given
            await worker.drain(60)
        assert transactions.outputs == ["out-0"]


async def test_draining_leaves_what_only_waits_to_the_next_owner() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), slots=1) as (worker, bench):
        bench.hold(0)
        for offset in range(3):
            worker.take(record(offset))
        await bench.has_started(0)
        draining = asyncio.create_task(worker.drain(5))
        bench.gates[0].set()
        await draining
        assert bench.started == [0]
        assert transactions.committed == Committed(1)


async def test_a_record_fetched_twice_is_handled_once() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        worker.take(record(0))
        worker.take(record(0))
        await transactions.reaches(1)
        assert bench.started == [0]


async def test_what_finishes_during_the_drain_is_committed_although_a_commit_ended_before() -> None:
    transactions = InMemoryTransactions(gate=asyncio.Event())
    assert transactions.gate is not None
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(1)
        worker.take(record(0, b"a"))
        worker.take(record(1, b"b"))
        await asyncio.wait_for(transactions.begun.wait(), 5)
        draining = asyncio.create_task(worker.drain(5))
        transactions.gate.set()
        await transactions.reaches(1)
        bench.gates[1].set()
        await draining
    assert transactions.outputs == ["out-0", "out-1"]


async def test_a_commit_is_not_repeated_over_what_another_process_has_committed() -> None:
    transactions = InMemoryTransactions(failures=[CommitError("the answer was lost")])
    async with working(transactions, Limits()) as (worker, bench):
        bench.hold(0)
        worker.take(record(0))
        transactions.committed = Committed(7)
        bench.gates[0].set()
        await asyncio.wait_for(bench.fenced.wait(), 5)
    assert transactions.outputs == []
    assert transactions.committed == Committed(7)


async def test_what_is_committed_repeated_and_fenced_is_counted() -> None:
    failures: list[Exception] = [CommitError("connection reset")]
    transactions = InMemoryTransactions(failures=failures)
    async with working(transactions, Limits()) as (worker, bench):
        worker.take(record(0))
        worker.take(record(1))
        await transactions.reaches(2)
        assert worker.committed == Committed(2)
        failures.append(FencedError("newer producer"))
        worker.take(record(2))
        await asyncio.wait_for(bench.fenced.wait(), 5)
    assert bench.metrics.counted(TRANSACTIONS_REPEATED) == {("requests",): 1}
    assert bench.metrics.counted(PARTITIONS_FENCED) == {("requests",): 1}
    assert bench.metrics.counted(RECORDS_COMMITTED) == {("requests",): 2}


class Tight(Progress):
    """Progress on a broker that takes no metadata at all."""

    def fitting(self, finished: Collection[int], limit: int = 0) -> list[int]:
        return super().fitting(finished, limit)


async def test_a_worker_is_held_back_while_its_progress_does_not_fit_the_metadata() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), progress=Tight) as (worker, bench):
        bench.hold(0)
        worker.take(record(0))
        worker.take(record(1))
        async with asyncio.timeout(5):
            while not worker.is_held_back:  # noqa: ASYNC110 - read by a gauge, told to nobody
                await asyncio.sleep(0.01)
        assert worker.is_full
        assert worker.in_flight == 2
        assert worker.oldest_seconds > 0
        bench.gates[0].set()
        await asyncio.wait_for(bench.room.wait(), 5)
        assert not worker.is_held_back
        assert worker.in_flight == 0
        assert worker.committed == transactions.committed == Committed(2)


async def test_a_worker_that_is_held_back_lingers_for_nothing() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(linger=3600), progress=Tight) as (worker, bench):
        bench.silent = {0}
        bench.hold(0, 2, 3, 4)
        worker.take(*map(record, range(5)))
        async with asyncio.timeout(5):
            while not worker.is_held_back:  # noqa: ASYNC110 - read by a gauge, told to nobody
                await asyncio.sleep(0.01)
        bench.gates[0].set()
        await transactions.reaches(2)
        assert transactions.outputs == ["out-1"]


async def test_a_try_that_failed_just_before_the_drain_still_says_what_becomes_of_its_record() -> (
    None
):
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        bench.raising.add(0)
        worker.take(record(0))
        await asyncio.sleep(0)  # the handler has raised, what follows has not begun
        assert (bench.started, bench.retried) == ([0], [])
        await worker.drain(1)
    assert transactions.outputs == ["retried-0"]


async def test_a_record_that_is_fetched_just_as_the_last_runner_ends_is_handled() -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), slots=1) as (worker, bench):
        loop = asyncio.get_running_loop()
        # runs when the runner of record 0 has ended, but before its task's callbacks
        bench.meanwhile[0] = lambda: loop.call_soon(worker.take, record(1))
        worker.take(record(0))
        await transactions.reaches(2)
    assert transactions.outputs == ["out-0", "out-1"]


async def test_a_try_that_fails_while_the_drain_begins_still_says_what_becomes_of_its_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transactions = InMemoryTransactions()
    async with working(transactions, Limits()) as (worker, bench):
        failing = asyncio.Event()

        async def first(_: Record, holder: object) -> list[Output]:
            await bench.slots.acquire(holder)
            try:
                bench.changed.set()
                await failing.wait()
                raise ValueError
            finally:
                bench.slots.release(holder)

        monkeypatch.setattr(bench, "first", first)
        worker.take(record(0))
        await asyncio.wait_for(bench.changed.wait(), 5)
        failing.set()
        await worker.drain(1)
    assert transactions.outputs == ["retried-0"]


async def test_a_partition_takes_no_more_while_the_process_holds_all_it_may() -> None:
    budget = Budget(1000)
    budget.join("another partition")
    transactions = InMemoryTransactions()
    async with working(transactions, Limits(), budget=budget) as (worker, bench):
        bench.hold(0)
        worker.take(record(0, value=b"x" * 500))
        assert not worker.is_full
        budget.add("another partition", 500)
        assert worker.is_full
        bench.gates[0].set()
        await asyncio.wait_for(bench.room.wait(), 5)
        assert not worker.is_full
        assert budget.held == 500
        bench.hold(1)
        worker.take(record(1, value=b"x" * 500))
        await bench.has_started(1)
    assert budget.held == 500, "what was left to the next owner is still counted"
