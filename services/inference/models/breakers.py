"""A breaker for each model: one that fails time and again is left alone, and probed by one call."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog
from circuitbreaker import CircuitBreaker

from services.inference.models.errors import ModelError, UnavailableError

_PROBE_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


class BreakerOpenError(UnavailableError):
    """The model has failed time and again, and is left alone for `retry_after` seconds."""

    code = "breaker_open"
    is_fault = False

    def __init__(self, model: str, retry_after: float) -> None:
        super().__init__(f"{model} has failed time and again: asked again in {retry_after:.0f} s")
        self.retry_after = retry_after


class Breakers:
    """The breakers of all models, by the names that releases give them.

    After `failures` faults in a row nothing is asked of a model for `recovery_seconds`; then one
    call is, while others still go elsewhere, and its outcome closes or opens the breaker.
    """

    def __init__(self, failures: int, recovery_seconds: float) -> None:
        self._failures = failures
        self._recovery_seconds = recovery_seconds
        self._by_name: dict[str, CircuitBreaker] = {}
        self._probed: set[str] = set()

    @property
    def known(self) -> dict[str, bool]:
        """Every model that was ever called, and whether it is left alone."""
        return {name: not breaker.closed for name, breaker in self._by_name.copy().items()}

    @contextmanager
    def guarding(self, name: str) -> Iterator[None]:
        """Guard a call of the model `name`: note its outcome. Raises `BreakerOpenError`."""
        breaker = self._by_name.setdefault(name, self._new(name))
        was_closed = breaker.closed
        if breaker.opened:
            raise BreakerOpenError(name, float(breaker.open_remaining))
        if not was_closed:
            if name in self._probed:
                raise BreakerOpenError(name, _PROBE_SECONDS)
            self._probed.add(name)
        try:
            yield
        except ModelError as error:
            if error.is_fault:
                self._failed(breaker, error)
            elif not was_closed and error.is_outage:
                self._failed(breaker, error)  # throttled: a probe that was not answered
            raise
        else:
            self._answered(breaker)
        finally:
            if not was_closed:
                self._probed.discard(name)

    def _failed(self, breaker: CircuitBreaker, error: ModelError) -> None:
        was_closed = breaker.closed
        with suppress(ModelError), breaker:
            raise error
        if was_closed and not breaker.closed:
            log.error("model down, others answer", model=breaker.name, error=error.code)

    def _answered(self, breaker: CircuitBreaker) -> None:
        if not breaker.closed:
            log.info("model recovered", model=breaker.name)
        breaker.reset()

    def _new(self, name: str) -> CircuitBreaker:
        return CircuitBreaker(
            failure_threshold=self._failures,
            recovery_timeout=self._recovery_seconds,
            expected_exception=ModelError,
            name=name,
        )
