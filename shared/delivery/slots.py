"""How many records one process works on at once."""

import asyncio


class Slots:
    """A semaphore that knows which tasks hold it.

    What holds a slot is in flight; what waits for one, for its key or for its next try is not,
    and can be left to the partition's next owner at any moment.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = asyncio.Semaphore(count)
        self._holders: set[asyncio.Task[object] | None] = set()

    async def __aenter__(self) -> None:
        await self._free.acquire()
        self._holders.add(asyncio.current_task())

    async def __aexit__(self, *_exception: object) -> None:
        self._holders.discard(asyncio.current_task())
        self._free.release()

    @property
    def taken(self) -> int:
        """How many records are in flight."""
        return len(self._holders)

    def held_by(self, task: asyncio.Task[None]) -> bool:
        """Whether `task` is working, rather than waiting."""
        return task in self._holders
