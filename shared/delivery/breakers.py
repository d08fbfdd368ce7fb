"""Two breakers: one for a dependency that is down, one for a stream that is all poison."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from circuitbreaker import CircuitBreaker

from shared.delivery.errors import NotYetError, OverloadedError, PoisonError

_SHORTEST_WAIT: Final = 0.05
_FIRST_WAIT: Final = 0.2  # of a record whose dependency has failed but is not taken to be down yet

log = structlog.get_logger(__name__)


class DependencyBreakers:
    """Holds records back while a dependency that the topic they are of needs is down.

    A dependency is known from the first `OverloadedError` that names it, and a topic as needing it
    from the first of its records that meets one. After `failures` of them in a row its breaker
    opens: nothing is tried for `recovery_seconds`, then one record is, and its outcome closes the
    breaker or opens it again. Nothing is counted against any record.
    """

    def __init__(self, failures: int, recovery_seconds: float) -> None:
        self._failures = failures
        self._recovery_seconds = recovery_seconds
        self._by_name: dict[str, CircuitBreaker] = {}
        self._needed_by: dict[str, set[str]] = {}
        self._not_before: dict[str, float] = {}
        self._probe: asyncio.Event | None = None
        self.any_known = False
        """Whether any dependency has ever failed; while none has, there is nothing to ask."""

    @property
    def open(self) -> list[str]:
        """Names of the dependencies that are taken to be down."""
        return sorted(name for name, breaker in self._by_name.items() if not breaker.closed)

    @property
    def known(self) -> dict[str, bool]:
        """Every dependency that has ever failed, and whether it is taken to be down."""
        return {name: not breaker.closed for name, breaker in self._by_name.copy().items()}

    def holds(self, topic: str) -> bool:
        """Whether a record of `topic` needs something that is taken to be down."""
        return self.any_known and bool(self._down_for(topic))

    async def admit(self, topic: str) -> bool:
        """Wait until nothing that `topic` needs is known to be down, or it is time to find out.

        True for the one record whose turn that is. Its try must end with `probed`.
        """
        while down := self._down_for(topic):
            wait = max(map(self._remaining, down))
            if wait > 0:
                await asyncio.sleep(max(wait, _SHORTEST_WAIT))
            elif self._probe is None:
                self._probe = asyncio.Event()
                return True
            else:
                await self._probe.wait()
        return False

    def probed(self) -> None:
        """Note that the probe has ended, however it did: another may follow."""
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.set()

    def succeeded(self, topic: str, *, is_probe: bool = False) -> None:
        """Note that a record of `topic` was handled: what it needs is there.

        What is taken to be down is so until a probe finds otherwise; others began before it was.
        """
        for name, topics in self._needed_by.items():
            breaker = self._by_name[name]
            if topic not in topics or not (breaker.closed or is_probe):
                continue
            if not breaker.closed:
                log.info("dependency recovered", dependency=name)
            breaker.reset()

    def failed(self, error: OverloadedError, topic: str) -> float:
        """Note that a dependency was down, or could not keep up.

        Returns for how long, in seconds, the record itself is to wait before its next try.
        """
        wait = max(error.retry_after or 0.0, random.uniform(0.5, 1) * _FIRST_WAIT)  # noqa: S311 - no secret
        if isinstance(error, NotYetError):
            return wait
        breaker = self._by_name.setdefault(
            error.dependency,
            CircuitBreaker(
                failure_threshold=self._failures,
                recovery_timeout=self._recovery_seconds,
                expected_exception=OverloadedError,
                name=error.dependency,
            ),
        )
        self.any_known = True
        self._needed_by.setdefault(error.dependency, set()).add(topic)
        was_closed = breaker.closed
        with suppress(OverloadedError), breaker:
            raise error
        if error.retry_after is not None:
            self._not_before[error.dependency] = time.monotonic() + error.retry_after
        if was_closed and not breaker.closed:
            log.error("dependency down, holding records back", dependency=error.dependency)
        return wait

    def _down_for(self, topic: str) -> list[str]:
        return [name for name in self.open if topic in self._needed_by[name]]

    def _remaining(self, name: str) -> float:
        breaker = self._by_name[name]
        hold = self._not_before.get(name, 0.0) - time.monotonic()
        return max(float(breaker.open_remaining) if breaker.opened else 0.0, hold)


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
