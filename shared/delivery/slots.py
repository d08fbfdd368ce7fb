"""How many records one process works on at once."""

import asyncio


class Slots:
    """A semaphore that knows who holds it.

    A task that holds a slot is in flight; one that waits for a slot, for its key or for its next
    try is not, and can be left to the partition's next owner at any moment.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = asyncio.Semaphore(count)
        self._holders: set[object] = set()

    async def acquire(self, holder: object) -> None:
        """Wait for a slot and take it in the name of `holder`."""
        await self._free.acquire()
        self._holders.add(holder)

    def release(self, holder: object) -> None:
        """Give the slot of `holder` back."""
        self._holders.discard(holder)
        self._free.release()

    @property
    def taken(self) -> int:
        """How many records are in flight."""
        return len(self._holders)

    def held_by(self, holder: object) -> bool:
        """Whether `holder` is working, rather than waiting."""
        return holder in self._holders
