"""One input partition: records side by side, in order per key, committed as they complete."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice

import structlog

from shared.delivery.errors import CommitError, FencedError
from shared.delivery.progress import Progress
from shared.delivery.record import Output, Record
from shared.delivery.slots import Slots
from shared.delivery.transactions import Committed, Transactions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one partition.

    `records` and `bytes` bound what is taken and not yet committed; `batch` the records of one
    transaction; `backoff` is the pause, in seconds, before a partition is taken over again, and
    `last_commit` what the last commit may take when the time to drain is already used up.
    """

    records: int = 256
    bytes: int = 16 * 1024 * 1024
    batch: int = 500
    backoff: float = 0.2
    last_commit: float = 2.0


class PartitionWorker:
    """Handles the records of one assigned partition and commits what they publish.

    `failed` is told of an error that must stop the service; `fenced` when another process has
    taken the partition over; `has_room` when a full worker can take records again. Without
    `in_order` records of one key run side by side too.
    """

    def __init__(  # noqa: PLR0913 - the engine's five answers to what happens here
        self,
        name: str,
        transactions: Transactions,
        outputs: Callable[[Record], Awaitable[list[Output]]],
        slots: Slots,
        *,
        failed: Callable[[BaseException], None],
        fenced: Callable[[], None],
        has_room: Callable[[], None],
        limits: Limits | None = None,
        in_order: bool = True,
    ) -> None:
        self.name = name
        self._transactions = transactions
        self._outputs = outputs
        self._slots = slots
        self._failed = failed
        self._fenced = fenced
        self._has_room = has_room
        self._limits = limits or Limits()
        self._in_order = in_order
        self._progress = Progress(0)
        self._last_of_key: dict[bytes, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: dict[int, list[Output]] = {}
        self._sizes: dict[int, int] = {}
        self._bytes = 0
        self._was_full = False
        self._held_back = False
        self._draining = False
        self._something_finished = asyncio.Event()
        self._committer: asyncio.Task[None] | None = None

    async def open(self) -> Committed | None:
        """Take the partition over; return what is committed, None if nothing is."""
        return await self._take_over()

    def begin(self, progress: Progress) -> None:
        """Start taking records: those that `progress` does not know as completed."""
        self._progress = progress
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
        )

    @property
    def in_flight(self) -> int:
        """Records taken and not yet committed."""
        return self._progress.open

    def take(self, record: Record) -> None:
        """Handle a record as soon as its key and a free slot allow; a repeated one is ignored."""
        if not self._progress.take(record.offset):
            return
        self._sizes[record.offset] = size = len(record.value or b"") + len(record.key or b"")
        self._bytes += size
        self._was_full = self._was_full or self.is_full
        before = self._last_of_key.get(record.key) if record.key is not None else None
        task = asyncio.create_task(self._handle(record, before), name=f"handle {self.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._report)
        if record.key is not None and self._in_order:
            self._last_of_key[record.key] = task

    async def _handle(self, record: Record, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
            if before.cancelled() or before.exception() is not None:
                return  # the service stops: nothing of this key may pass the record that failed
        outputs = await self._outputs(record)
        if record.key is not None and self._last_of_key.get(record.key) is asyncio.current_task():
            del self._last_of_key[record.key]
        self._finished[record.offset] = outputs
        self._something_finished.set()

    async def _commit_forever(self) -> None:
        while not self._draining:
            await self._something_finished.wait()
            self._something_finished.clear()
            await self._commit_finished()

    async def _commit_finished(self) -> None:
        while self._finished:
            oldest = list(islice(self._finished, self._limits.batch))
            batch = self._progress.fitting(oldest)
            self._held_back = len(batch) < len(oldest)
            if not batch:  # waits for a record nearer the watermark
                return
            outputs = [output for offset in batch for output in self._finished[offset]]
            self._progress.complete(batch)
            await self._commit(
                outputs, Committed(self._progress.position, self._progress.metadata())
            )
            for offset in batch:
                del self._finished[offset]
                self._bytes -= self._sizes.pop(offset)
            if self._was_full and not self.is_full:
                self._was_full = False
                self._has_room()

    async def _commit(self, outputs: list[Output], progress: Committed) -> None:
        """Commit until it is known to be committed: repeating is safe, giving up is not."""
        while True:
            try:
                await self._transactions.commit(outputs, progress)
            except CommitError as error:
                log.warning("commit repeated", partition=self.name, error=str(error))
            else:
                return
            if await self._take_over() == progress:
                return

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
            log.warning("fenced, work dropped", partition=self.name, records=self.in_flight)
            self._fenced()
        elif error is not None:
            self._failed(error)

    async def drain(self, seconds: float) -> None:
        """Finish what is in flight within `seconds`, commit it, and let the partition go.

        What only waits (for a slot, its key, its next try) and what has not finished by then is
        cancelled; its next owner handles it.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        await self._cancel(*(task for task in self._tasks if not self._slots.held_by(task)))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        await self._cancel(*self._tasks)
        self._draining = True
        self._something_finished.set()
        if self._committer is not None:
            remaining = max(deadline - asyncio.get_running_loop().time(), self._limits.last_commit)
            await asyncio.wait([self._committer], timeout=remaining)
            await self._cancel(self._committer)
        await self._transactions.close()

    @staticmethod
    async def _cancel(*tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
