"""When a partition's next commit begins: at once, or once more has finished to go along."""

import asyncio
from collections.abc import Sized
from contextlib import suppress

from shared.delivery.limits import Limits


class Gathering:
    """Waits for what finishes, as `Limits` describes; `finished` is what a commit would have."""

    def __init__(self, limits: Limits, finished: Sized) -> None:
        self._limits = limits
        self._finished = finished
        self._something = asyncio.Event()
        self._due = asyncio.Event()
        self._pressing = asyncio.Event()
        # Beside the events: these are read for each record, and an attribute costs no call.
        self.is_due = False
        """Whether what finished is to be committed without lingering."""
        self.is_pressing = False
        """Whether it is to be without rest as well."""
        self._rested = 0.0  # when the last transaction has been over for long enough

    def add(self, *, is_due: bool) -> None:
        """Note that something finished; `is_due` if somebody waits for what came of it."""
        self._something.set()
        if is_due:
            self.is_due = True
            self._due.set()

    def press(self) -> None:
        """Have what finished committed at once."""
        self.add(is_due=True)
        self.is_pressing = True
        self._pressing.set()

    def rest_after(self, took: float) -> None:
        """Let the next commit wait for as long as a transaction that `took` so long asks for."""
        self._rested = asyncio.get_running_loop().time() + self._limits.rest_after(took)

    async def enough(self) -> None:
        """Wait for something to finish, and for more where that holds nobody up."""
        await self._something.wait()
        await self._linger()
        now = asyncio.get_running_loop().time()
        if self.is_due and now < self._rested and not self.is_pressing:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._rested):
                    await self._pressing.wait()
        self._something.clear()
        self._due.clear()
        self._pressing.clear()
        self.is_due = self.is_pressing = False

    async def _linger(self) -> None:
        """Wait until something is due, or nothing more finishes, or that has taken too long."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._limits.linger
        known = 0
        while not self.is_due and known < len(self._finished) and (left := ends - loop.time()) > 0:
            known = len(self._finished)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._limits.lull, left)):
                    await self._due.wait()
