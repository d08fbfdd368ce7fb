"""How many records one process works on at once."""

from anyio import Semaphore


class Slots:
    """A semaphore that knows who holds it.

    A task that holds a slot is in flight; one that waits for a slot, for its key or for its next
    try is not, and can be left to the partition's next owner at any moment. Beside `count` slots
    there are `aside` of their own, for what must never take one from the rest.
    """

    def __init__(self, count: int, aside: int = 0) -> None:
        self.count = count
        self._free = Semaphore(count, fast_acquire=True)
        self._free_aside = Semaphore(aside, fast_acquire=True)
        self._holders: dict[object, Semaphore] = {}

    def take(self, holder: object, *, aside: bool = False) -> bool:
        """Take a slot in the name of `holder` at once; False if none is free."""
        free = self._free_aside if aside else self._free
        if not free.value:
            return False
        free.acquire_nowait()
        self._holders[holder] = free
        return True

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
