"""One input partition: records side by side, in order per key, committed as they complete."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from heapq import nsmallest
from typing import Any, Final, Protocol

import structlog

from shared.delivery.budget import Budget
from shared.delivery.errors import CommitError, FatalError, FencedError
from shared.delivery.gathering import Gathering
from shared.delivery.limits import Limits
from shared.delivery.progress import Progress
from shared.delivery.record import Output, Record
from shared.delivery.slots import Slots
from shared.delivery.transactions import Committed, Transactions
from shared.metrics import (
    PARTITIONS_FENCED,
    RECORDS_COMMITTED,
    TRANSACTION_DURATION,
    TRANSACTIONS_REPEATED,
    Metrics,
)

_TURN_SECONDS: Final = 0.01

log = structlog.get_logger(__name__)


class Tries(Protocol):
    """What is done with a record: see `Attempts`."""

    async def first(self, record: Record, holder: object) -> list[Output]:
        """Try it once, in a slot of `holder`. Raises whatever its handler raises."""

    async def further(self, record: Record, error: Exception | None) -> list[Output]:
        """Wait and try until there is something to commit. Raises `FatalError` alone."""


class PartitionWorker:
    """Handles the records of one assigned partition and commits what they publish.

    `failed` is told of an error that must stop the service; `fenced` when another process has
    taken the partition over; `has_room` when there may be room again. Without
    `in_order` (a retry topic) records of one key run side by side too, each when it is due; without
    `by_key` they do as well, begun in the order of their offsets.
    """

    def __init__(  # noqa: PLR0913 - the engine's five answers to what happens here
        self,
        name: str,
        transactions: Transactions,
        tries: Tries,
        slots: Slots,
        *,
        failed: Callable[[BaseException], None],
        fenced: Callable[[], None],
        has_room: Callable[[], None],
        limits: Limits | None = None,
        budget: Budget | None = None,
        in_order: bool = True,
        by_key: bool = True,
        topic: str = "",
        metrics: Metrics | None = None,
    ) -> None:
        self.name = name
        self._topic = topic
        self._metrics = metrics or Metrics()
        self._transactions = transactions
        self._tries = tries
        self._slots = slots
        self._failed = failed
        self._fenced = fenced
        self._has_room = has_room
        self._limits = limits or Limits()
        self._budget = budget or Budget(self._limits.bytes)
        self._budget.join(self)
        self._in_order = in_order
        self._by_key = by_key
        self._progress = Progress(0)
        self._committed = Committed(0)
        self._held: Committed | None = None  # what the broker has, as far as this worker knows
        self._ready: deque[Record] = deque()
        # For each key that is being handled: what comes after it.
        self._waiting: dict[bytes, deque[Record] | None] = {}
        self._runners: set[asyncio.Task[None]] = set()
        self._next_runner: asyncio.Task[None] | None = None  # that has not begun yet
        self._retrying: set[asyncio.Task[None]] = set()
        # Of these, what has not begun: it will say what becomes of a record that was tried.
        self._fresh: set[asyncio.Task[None] | None] = set()
        self._finished: dict[int, list[Output]] = {}
        self._taken: dict[int, tuple[int, float]] = {}  # size in bytes, and when
        self._bytes = 0
        self._held_back = False
        self._draining = False
        self._gathering = Gathering(self._limits, self._finished)
        self._committer: asyncio.Task[None] | None = None

    async def open(self) -> Committed | None:
        """Take the partition over; return what is committed, None if nothing is."""
        self._held = await self._take_over()
        return self._held

    def begin(self, progress: Progress) -> None:
        """Start taking records: those that `progress` does not know as completed."""
        self._progress = progress
        self._committed = Committed(progress.position, progress.metadata())
        self._committer = asyncio.create_task(self._commit_forever(), name=f"commit {self.name}")
        self._committer.add_done_callback(self._report)

    @property
    def is_open(self) -> bool:
        """Whether records are taken."""
        return self._committer is not None and not self._committer.done()

    @property
    def is_full(self) -> bool:
        """Whether the partition must be paused."""
        return (
            self._held_back
            or self._progress.open >= self._limits.records
            or self._bytes >= self._limits.bytes
            or self._budget.is_spent_for(self)
        )

    @property
    def in_flight(self) -> int:
        """Records taken and not yet committed."""
        return len(self._taken)

    @property
    def oldest_seconds(self) -> float:
        """For how long the oldest record in flight has been; 0 with none in flight."""
        oldest = list(self._taken.values())[:1]  # a copy: a metrics exporter asks from its thread
        return time.monotonic() - oldest[0][1] if oldest else 0.0

    @property
    def committed(self) -> Committed:
        """What is committed, as far as this worker knows."""
        return self._committed

    @property
    def is_held_back(self) -> bool:
        """Whether what is completed would not fit the commit's metadata."""
        return self._held_back

    def take(self, *records: Record) -> None:
        """Handle records as soon as their keys and free slots allow; repeated ones are ignored."""
        now = time.monotonic()
        held = 0
        take, taken, ready, waiting = self._progress.take, self._taken, self._ready, self._waiting
        for record in records:
            offset, size, key = record.offset, record.size, record.key
            if not take(offset):
                continue
            taken[offset] = size, now
            held += size
            if not self._in_order:
                self._start_retry(record, None)
            elif key is None or not self._by_key:
                ready.append(record)
            elif key not in waiting:
                waiting[key] = None
                ready.append(record)
            elif (behind := waiting[key]) is not None:
                behind.append(record)
            else:
                waiting[key] = deque([record])
        self._hold(held)
        self._begin_next()

    def _hold(self, size: int) -> None:
        self._bytes += size
        self._budget.add(self, size)

    def _begin_next(self) -> None:
        """See to it that the next ready record is begun: by one more task, if none is on its way.

        A task that begins a record calls this for the one after it, so there are as many as records
        wait in their handlers, and a single one for all whose handlers never wait.
        """
        on_its_way = self._next_runner is not None and not self._next_runner.done()
        if self._ready and not on_its_way and len(self._runners) < self._slots.count:
            self._next_runner = self._start(self._run(), self._runners)

    def _start_retry(self, record: Record, error: Exception | None) -> None:
        task = self._start(self._retry(record, error), self._retrying)
        self._fresh.add(task)
        task.add_done_callback(self._fresh.discard)  # one that never begins

    def _start(
        self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(self._report)
        return task

    async def _run(self) -> None:
        """Handle ready records until there are none: a task serves many records, not one.

        Handlers that never wait would keep everything else waiting, the commit of what they have
        done as well. So after `_TURN_SECONDS` the next task goes on, when others had their turn.
        """
        this: asyncio.Task[Any] | None = asyncio.current_task()
        self._next_runner = None
        ends = time.monotonic() + _TURN_SECONDS
        while self._ready:
            record = self._ready.popleft()
            if self._next_runner is None:
                self._begin_next()
            try:
                outputs = await self._tries.first(record, this)
            except FatalError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever is raised, the record is kept
                self._start_retry(record, error)
            else:
                self._finish(record, outputs)
            if time.monotonic() > ends:
                break
        # At once, and not when the loop comes round to it: whatever becomes ready from here on
        # must find that this runner is gone, and start another.
        if this is not None:
            self._runners.discard(this)
        self._begin_next()

    async def _retry(self, record: Record, error: Exception | None) -> None:
        self._fresh.discard(asyncio.current_task())
        self._finish(record, await self._tries.further(record, error))

    def _finish(self, record: Record, outputs: list[Output]) -> None:
        self._finished[record.offset] = outputs
        gathering = self._gathering
        if not gathering.is_pressing and self._is_short_of_work():
            gathering.press()
        elif not gathering.is_due:
            gathering.add(is_due=bool(outputs))
        key = record.key
        if key is None or not self._in_order or not self._by_key:
            return
        if behind := self._waiting.pop(key, None):
            self._waiting[key] = behind
            self._ready.append(behind.popleft())
            self._begin_next()

    def _is_short_of_work(self) -> bool:
        """Whether a commit is needed to go on: there is room for no more, or little left to do.

        Of a full partition that has much to do still, a commit for each record that finishes would
        only add to the work.
        """
        if self._held_back:
            return True
        done, taken, most = 2 * len(self._finished), self._progress.open, self._limits.records
        if done < taken and done < most:  # as it mostly is
            return False
        return done >= (taken if self.is_full else most)

    async def _commit_forever(self) -> None:
        while not self._draining:
            await self._gathering.enough()
            await self._commit_finished()
        while await self._commit_finished():
            pass

    async def _commit_finished(self) -> bool:
        """Commit what has finished, as much as one commit may have; False if there is nothing."""
        oldest = nsmallest(self._limits.batch, self._finished)  # the watermark's among them
        batch = self._progress.fitting(oldest)
        self._held_back = len(batch) < len(oldest)
        if not batch:  # waits for a record nearer the watermark
            return False
        outputs: list[Output] = []
        published = 0
        for offset in batch:
            if of_one := self._finished.pop(offset):
                outputs += of_one
                published += 1
        is_left = bool(self._finished)
        self._progress.complete(batch)
        self._has_room()
        took = await self._commit(
            outputs, Committed(self._progress.position, self._progress.metadata())
        )
        if published > 1:  # they come faster than transactions end
            self._gathering.rest_after(took)
        self._metrics.count(RECORDS_COMMITTED, self._topic, by=len(batch))
        self._hold(-sum(self._taken.pop(offset)[0] for offset in batch))
        self._has_room()
        if is_left:
            self._gathering.press()
        return True

    async def _commit(self, outputs: list[Output], progress: Committed) -> float:
        """Commit until it is known to be committed: giving up is not safe, repeating is.

        As long as nobody else has committed meanwhile, that is: raises `FencedError` otherwise.
        Returns how long the transaction took, in seconds.
        """
        while True:
            begun = time.monotonic()
            try:
                await self._transactions.commit(outputs, progress)
            except CommitError as error:
                self._metrics.count(TRANSACTIONS_REPEATED, self._topic)
                log.warning("commit repeated", partition=self.name, error=str(error))
                await asyncio.sleep(self._limits.backoff)
            else:
                took = time.monotonic() - begun
                self._metrics.record(TRANSACTION_DURATION, took, self._topic)
                break
            held = await self._take_over()
            if held == progress:
                took = time.monotonic() - begun
                break
            if held != self._held:
                raise FencedError(f"{self.name} was committed by another process meanwhile")
        self._committed = self._held = progress
        return took

    async def _take_over(self) -> Committed | None:
        while True:
            try:
                return await self._transactions.start()
            except CommitError as error:
                log.warning("not taken over yet", partition=self.name, error=str(error))
                await asyncio.sleep(self._limits.backoff)

    def _report(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, FencedError):
            self._metrics.count(PARTITIONS_FENCED, self._topic)
            log.warning("fenced, work dropped", partition=self.name, records=self.in_flight)
            self._fenced()
        elif error is not None:
            self._failed(error)

    async def drain(self, seconds: float) -> None:
        """Finish what is in flight within `seconds`, commit it, and let the partition go.

        What only waits (for a slot, its key, its next try) and what has not finished by then is
        cancelled; its next owner handles it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(seconds, self._limits.drain)
        self._ready.clear()
        self._waiting.clear()
        while True:
            await self._cancel(*(task for task in self._tasks() if self._waits(task)))
            if self._fresh:
                await asyncio.sleep(0)
            elif (in_flight := self._tasks()) and (left := deadline - loop.time()) > 0:
                await asyncio.wait(in_flight, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            else:
                break
        await self._cancel(*self._tasks())
        self._draining = True  # not before: what finishes meanwhile is still to be committed
        self._gathering.press()
        if self._committer is not None:
            remaining = max(deadline - loop.time(), self._limits.last_commit)
            await asyncio.wait([self._committer], timeout=remaining)
            await self._cancel(self._committer)
        self._budget.leave(self)
        self._has_room()
        await self._transactions.close()

    def _tasks(self) -> set[asyncio.Task[None]]:
        return self._runners | self._retrying

    def _waits(self, task: asyncio.Task[None]) -> bool:
        """Whether the task can be cancelled without losing anything that was tried."""
        return not self._slots.held_by(task) and task not in self._fresh

    @staticmethod
    async def _cancel(*tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
