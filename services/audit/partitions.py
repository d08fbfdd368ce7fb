"""The logs of the partitions that this process writes."""

import asyncio
from collections.abc import Awaitable, Callable

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

    async def open(self, partition: int) -> Log:
        """Return the partition's log, opening it the first time. Raises `LogError`."""
        task = self._logs.get(partition)
        if task is None or _failed(task):
            task = asyncio.create_task(self._opened(partition))
            self._logs[partition] = task
        return await asyncio.shield(task)  # a cancelled caller leaves a log that is known here

    async def close(self) -> None:
        """Close every log."""
        tasks = self._logs.values()
        opened = await asyncio.gather(*tasks, return_exceptions=True)
        self._logs = {}
        await asyncio.gather(*(log.close() for log in opened if not isinstance(log, BaseException)))

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
