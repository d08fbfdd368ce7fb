"""How many records one process works on at once."""

import asyncio
from collections import deque


class _Lane:
    """Slots of one kind: how many are free, and who waits for one, the first to have asked first.

    A semaphore that can be asked without waiting: asyncio's takes a coroutine for each record.
    """

    __slots__ = ("free", "waiting")

    def __init__(self, count: int) -> None:
        self.free = count
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Take a slot when it is one's turn."""
        handed = asyncio.get_running_loop().create_future()
        self.waiting.append(handed)
        try:
            await handed
        except asyncio.CancelledError:
            if not handed.cancelled():  # it was handed a slot already
                self.free += 1
            raise
        finally:
            self.waiting.remove(handed)  # not before: nobody is to overtake who begins only now
            self.hand_on()

    def hand_on(self) -> None:
        """Hand a free slot to who has waited longest, if there is both."""
        for handed in self.waiting if self.free else ():
            if not handed.done():
                self.free -= 1
                handed.set_result(None)
                return


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
        self._lane = _Lane(count)
        self._lane_aside = _Lane(aside)
        self._holders: dict[object, _Lane] = {}

    def take(self, holder: object, *, aside: bool = False) -> bool:
        """Take a slot in the name of `holder`, one of the `aside` ones or not; False if none is."""
        lane = self._lane_aside if aside else self._lane
        if not lane.free or lane.waiting:
            return False
        lane.free -= 1
        self._holders[holder] = lane
        return True

    async def acquire(self, holder: object, *, aside: bool = False) -> None:
        """Take a slot in the name of `holder`, and wait for it where `take` finds none."""
        if not self.take(holder, aside=aside):
            lane = self._lane_aside if aside else self._lane
            await lane.turn()
            self._holders[holder] = lane

    def release(self, holder: object) -> None:
        """Give the slot of `holder` back."""
        lane = self._holders.pop(holder)
        lane.free += 1
        if lane.waiting:
            lane.hand_on()

    @property
    def taken(self) -> int:
        """How many records are in flight, but those aside."""
        holders = list(self._holders.values())  # a copy: a metrics exporter asks from its thread
        return sum(lane is self._lane for lane in holders)

    def held_by(self, holder: object) -> bool:
        """Whether `holder` is working, rather than waiting."""
        return holder in self._holders
