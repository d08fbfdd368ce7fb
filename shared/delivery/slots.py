"""How many records one process works on at once."""

import asyncio


class Slots:
    """A semaphore that knows who holds it.

    A task that holds a slot is in flight; one that waits for a slot, for its key or for its next
    try is not, and can be left to the partition's next owner at any moment. Beside `count` slots
    there are `aside` of their own, for what must never take one from the rest.

    Slots are given out in the order in which they were asked for: records begin in the order of
    their offsets, and audit logs them in it.
    """

    def __init__(self, count: int, aside: int = 0) -> None:
        self.count = count
        self._free = asyncio.Semaphore(count)
        self._free_aside = asyncio.Semaphore(aside)
        self._holders: dict[object, asyncio.Semaphore] = {}

    def are_taken(self, *, aside: bool = False) -> bool:
        """Whether `acquire` has to wait."""
        return (self._free_aside if aside else self._free).locked()

    async def acquire(self, holder: object, *, aside: bool = False) -> None:
        """Wait for a slot and take it in the name of `holder`: one of the `aside` ones, or not."""
        free = self._free_aside if aside else self._free
        await free.acquire()
        self._holders[holder] = free

    def release(self, holder: object) -> None:
        """Give the slot of `holder` back."""
        self._holders.pop(holder).release()

    @property
    def taken(self) -> int:
        """How many records are in flight, but those aside."""
        return sum(free is self._free for free in self._holders.values())

    def held_by(self, holder: object) -> bool:
        """Whether `holder` is working, rather than waiting."""
        return holder in self._holders
