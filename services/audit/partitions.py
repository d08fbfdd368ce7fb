"""The logs of the partitions that this process writes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import stamina

from services.audit.log import LockedError, Log


class PartitionLogs:
    """Opens one log for each partition number, whichever topic's partition comes first.

    `open_log` may raise `LockedError`: the former owner of a partition may still be leaving.
    It is asked again for `lock_seconds`.
    """

    def __init__(self, open_log: Callable[[int], Awaitable[Log]], *, lock_seconds: float) -> None:
        self._open_log = open_log
        self._lock_seconds = lock_seconds
        self._logs: dict[int, asyncio.Task[Log]] = {}
        self._held: dict[int, set[str]] = {}

    async def problem(self) -> str | None:
        """Say what stands in the way of writing any of the logs, None while nothing does."""
        opened = (
            task.result() for task in self._logs.values() if task.done() and not _failed(task)
        )
        return next((log.problem for log in opened if log.problem is not None), None)

    async def open(self, partition: int) -> Log:
        """Return the partition's log, opening it the first time. Raises `LogError`."""
        task = self._logs.get(partition)
        if task is None or _failed(task):
            task = asyncio.create_task(self._opened(partition))
            self._logs[partition] = task
        return await asyncio.shield(task)  # a cancelled caller leaves a log that is known here

    async def hold(self, topic: str, partition: int) -> None:
        """Open the partition's log, if it is not, for a topic that is now ours."""
        self._held.setdefault(partition, set()).add(topic)
        await self.open(partition)

    async def let_go(self, topic: str, partition: int) -> None:
        """Close the partition's log when the last topic of it is gone: its next owner waits."""
        held = self._held.get(partition, set())
        held.discard(topic)
        if not held and (task := self._logs.pop(partition, None)) is not None:
            await _close(await asyncio.gather(task, return_exceptions=True))

    async def close(self) -> None:
        """Close every log."""
        tasks = self._logs.values()
        opened = await asyncio.gather(*tasks, return_exceptions=True)
        self._logs = {}
        await _close(opened)

    async def _opened(self, partition: int) -> Log:
        async for attempt in stamina.retry_context(
            on=LockedError,
            attempts=None,
            timeout=self._lock_seconds,
            wait_initial=0.05,
            wait_max=1.0,
        ):
            with attempt:
                return await self._open_log(partition)
        raise AssertionError("stamina ends with a log or an error")


def _failed(task: asyncio.Task[Log]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _close(opened: Iterable[Log | BaseException]) -> None:
    await asyncio.gather(*(log.close() for log in opened if not isinstance(log, BaseException)))
