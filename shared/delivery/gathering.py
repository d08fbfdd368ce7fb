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
        self._is_due = asyncio.Event()  # what finished is to be committed without lingering
        self._is_pressing = asyncio.Event()  # and without rest
        self._rested = 0.0  # when the last transaction has been over for long enough

    def add(self, *, is_due: bool) -> None:
        """Note that something finished; `is_due` if somebody waits for what came of it."""
        self._something.set()
        if is_due:
            self._is_due.set()

    def press(self) -> None:
        """Have what finished committed at once."""
        self._something.set()
        self._is_due.set()
        self._is_pressing.set()

    @property
    def is_pressing(self) -> bool:
        """Whether what finished is to be committed at once."""
        return self._is_pressing.is_set()

    def rest_after(self, took: float) -> None:
        """Let the next commit wait for as long as a transaction that `took` so long asks for."""
        self._rested = asyncio.get_running_loop().time() + self._limits.rest_after(took)

    async def enough(self) -> None:
        """Wait for something to finish, and for more where that holds nobody up."""
        await self._something.wait()
        await self._linger()
        now = asyncio.get_running_loop().time()
        if self._is_due.is_set() and now < self._rested and not self._is_pressing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._rested):
                    await self._is_pressing.wait()
        self._something.clear()
        self._is_due.clear()
        self._is_pressing.clear()

    async def _linger(self) -> None:
        """Wait until something is due, or nothing more finishes, or that has taken too long."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._limits.linger
        known = 0
        while (
            not self._is_due.is_set()
            and known < len(self._finished)
            and (left := ends - loop.time()) > 0
        ):
            known = len(self._finished)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._limits.lull, left)):
                    await self._is_due.wait()
