"""How many calls a provider is given at once and a minute: less when it throttles, then more again.

Additive increase, multiplicative decrease, as TCP has it (Chiu and Jain, 1989): a throttled call
halves both limits, at most once a second, and every answer raises them by one part of the limit.
Where the provider says for how long it wants no calls, it gets none.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from aiolimiter import AsyncLimiter

from services.inference.models.errors import ThrottledError
from services.inference.models.model import Call, Completion, Provider

_DECREASE: Final = 0.5
_ONE_EVENT_SECONDS: Final = 1.0
"""Calls that were on their way together are throttled together: that is one sign, not many."""
_MINUTE: Final = 60.0
_LEAST_SECONDS: Final = 0.001

log = structlog.get_logger(__name__)


class Limited:
    """A `Provider` that is given no more calls than it bears.

    `concurrency` and `per_minute` are the most, None for no limit of the rate. A call that gets no
    place in `patience` seconds is raised as `ThrottledError`, since the next model of its chain is
    there; the last of a chain waits as long as the call may take.
    """

    def __init__(  # noqa: PLR0913 - what a provider bears
        self,
        provider: Provider,
        name: str,
        *,
        concurrency: int,
        per_minute: int | None,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._name = name
        self._most = concurrency
        self._limit = float(concurrency)
        self._per_minute = per_minute
        self._rate = AsyncLimiter(per_minute, _MINUTE) if per_minute else None
        self._patience = patience
        self._clock = clock
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._not_before = 0.0
        self._decreased = -_ONE_EVENT_SECONDS

    @property
    def system(self) -> str:
        """See `Provider.system`."""
        return self._provider.system

    @property
    def limit(self) -> int:
        """How many calls may be under way now."""
        return max(1, int(self._limit))

    async def complete(self, call: Call) -> Completion:
        """See `Provider.complete`."""
        if (hold := self._not_before - self._clock()) > 0:
            raise ThrottledError(
                f"{self._name} asked for {hold:.1f} s of patience", retry_after=hold
            )
        patience = call.seconds if call.is_last else min(self._patience, call.seconds)
        begun = self._clock()
        try:
            async with asyncio.timeout(patience):
                await self._enter()
        except TimeoutError:
            raise ThrottledError(
                f"{self._name} has no place within {patience:g} s: {self.limit} calls are "
                "under way, or the rate is used up; raise `concurrency` or `requests_per_minute` "
                "in GLIDESLOPE_PROVIDERS if the provider grants more"
            ) from None
        try:
            left = max(_LEAST_SECONDS, call.seconds - (self._clock() - begun))
            completion = await self._provider.complete(replace(call, seconds=left))
        except ThrottledError as error:
            self._decrease(error.retry_after)
            raise
        finally:
            self._leave()
        self._increase()
        return completion

    async def _enter(self) -> None:
        if self._under_way >= self.limit:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place  # `_leave` has counted it
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._leave()
                raise
        else:
            self._under_way += 1
        if self._rate is not None and self._per_minute is not None:
            # a call weighs more while the provider is spared, so that fewer fit the minute
            weight = min(self._most / self._limit, float(self._per_minute))
            try:
                await self._rate.acquire(weight)
            except asyncio.CancelledError:
                self._leave()
                raise

    def _leave(self) -> None:
        self._under_way -= 1
        while self._waiting and self._under_way < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self._under_way += 1
                place.set_result(None)

    def _increase(self) -> None:
        self._limit = min(self._most, self._limit + 1 / self._limit)

    def _decrease(self, retry_after: float | None) -> None:
        now = self._clock()
        if retry_after is not None:
            self._not_before = max(self._not_before, now + retry_after)
        if now - self._decreased < _ONE_EVENT_SECONDS:
            return
        self._decreased = now
        self._limit = max(1.0, self._limit * _DECREASE)
        log.warning("provider throttles", provider=self._name, concurrency=self.limit)
