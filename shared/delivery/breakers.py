"""Two breakers: one for a dependency that is down, one for a stream that is all poison."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from circuitbreaker import CircuitBreaker

from shared.delivery.errors import OverloadedError, PoisonError

_SHORTEST_WAIT: Final = 0.05

log = structlog.get_logger(__name__)


class DependencyBreakers:
    """Holds a service's records back while a dependency of theirs is down.

    A dependency is known from the first `OverloadedError` that names it. After `failures` of them
    in a row its breaker opens: nothing is tried for `recovery_seconds`, then one record is, and
    its outcome closes the breaker or opens it again. Nothing is counted against any record.
    """

    def __init__(self, failures: int, recovery_seconds: float) -> None:
        self._failures = failures
        self._recovery_seconds = recovery_seconds
        self._by_name: dict[str, CircuitBreaker] = {}
        self._not_before: dict[str, float] = {}
        self._probe: asyncio.Event | None = None

    @property
    def any_known(self) -> bool:
        """Whether any dependency has ever failed; while none has, there is nothing to ask."""
        return bool(self._by_name)

    @property
    def open(self) -> list[str]:
        """Names of the dependencies that are taken to be down."""
        return sorted(name for name, breaker in self._by_name.items() if not breaker.closed)

    @property
    def known(self) -> dict[str, bool]:
        """Every dependency that has ever failed, and whether it is taken to be down."""
        return {name: not breaker.closed for name, breaker in self._by_name.copy().items()}

    async def admit(self) -> None:
        """Wait until nothing is known to be down, or it is this record's turn to find out."""
        while self.open:
            wait = max(map(self._remaining, self.open))
            if wait > 0:
                await asyncio.sleep(max(wait, _SHORTEST_WAIT))
            elif self._probe is None:
                self._probe = asyncio.Event()
                return
            else:
                await self._probe.wait()

    def succeeded(self) -> None:
        """Note that a record was handled: what it needs is there."""
        for name in self.open:
            log.info("dependency recovered", dependency=name)
            self._by_name[name].reset()
        self._end_probe()

    def failed(self, error: OverloadedError) -> None:
        """Note that a dependency was down, or could not keep up."""
        breaker = self._by_name.setdefault(
            error.dependency,
            CircuitBreaker(
                failure_threshold=self._failures,
                recovery_timeout=self._recovery_seconds,
                expected_exception=OverloadedError,
                name=error.dependency,
            ),
        )
        was_closed = breaker.closed
        with suppress(OverloadedError), breaker:
            raise error
        if error.retry_after is not None:
            self._not_before[error.dependency] = time.monotonic() + error.retry_after
        if was_closed and not breaker.closed:
            log.error("dependency down, holding records back", dependency=error.dependency)
        self._end_probe()

    def ended(self) -> None:
        """Note that a try ended otherwise (an error of its own, a cancellation)."""
        self._end_probe()

    def _remaining(self, name: str) -> float:
        breaker = self._by_name[name]
        hold = self._not_before.get(name, 0.0) - time.monotonic()
        return max(float(breaker.open_remaining) if breaker.opened else 0.0, hold)

    def _end_probe(self) -> None:
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.set()


class PoisonBreaker:
    """Stops a service that would dead-letter everything.

    It trips on `run` dead letters in a row, or when more than `share` of the last `window` records
    became dead letters. `trip` is told once; what was tried is kept as dead letters all the same.
    """

    def __init__(
        self, *, run: int, share: float, window: int, trip: Callable[[PoisonError], None]
    ) -> None:
        self._run = run
        self._share = share
        self._recent: deque[bool] = deque(maxlen=window)
        self._in_a_row = 0
        self._trip = trip
        self._tripped = False

    def good(self) -> None:
        """Note a record that was handled."""
        self._in_a_row = 0
        self._recent.append(False)

    def dead(self, reason_code: str) -> None:
        """Note a record that became a dead letter."""
        self._in_a_row += 1
        self._recent.append(True)
        full = len(self._recent) == self._recent.maxlen
        too_many = full and sum(self._recent) > self._share * len(self._recent)
        if (self._in_a_row >= self._run or too_many) and not self._tripped:
            self._tripped = True
            self._trip(PoisonError(sum(self._recent), len(self._recent), reason_code))
