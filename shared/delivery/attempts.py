"""Trying a record: again at once, again later, and in the end a dead letter."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import stamina
import structlog
from opentelemetry.trace import Span
from pydantic import ValidationError
from stamina.instrumentation import RetryDetails

from shared import telemetry
from shared.cloudevents import UnreadableError
from shared.delivery.breakers import DependencyBreakers, PoisonBreaker
from shared.delivery.dead_letters import dead_letter, raised_at, reason_code
from shared.delivery.declaration import Handlers
from shared.delivery.errors import (
    DeadlineError,
    FatalError,
    OverloadedError,
    PermanentError,
    RetryableError,
)
from shared.delivery.record import Output, Record
from shared.delivery.retries import NotARetryError, Retry, seconds_until_due
from shared.delivery.slots import Slots
from shared.metrics import (
    RECORDS_DEAD_LETTERED,
    RECORDS_HANDLED,
    RECORDS_RETRIED,
    TRIES_FAILED,
    Metrics,
)
from shared.release import UnknownReleaseError

_HOPELESS: Final = (
    UnreadableError,
    ValidationError,
    UnknownReleaseError,
    PermanentError,
    FatalError,
)
"""Errors that another try cannot mend."""
_JUNK: Final = (UnreadableError, ValidationError)
"""What a sender's record is at fault for, and not we."""
_INLINE_MAX_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rounds:
    """When a record is tried: `attempts` times in a row, and again after each of `delays` seconds.

    `retry_topic` is where a record waits in between. Records of `in_order` topics wait where they
    are instead, and the later ones of their key with them. Junk on `foreign` topics is no poison.
    Records of `aside` topics have slots of their own, and say nothing of poison either way.
    """

    attempts: int
    delays: Sequence[float]
    retry_topic: str
    dead_letters: str
    in_order: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()


class Attempts:
    """Calls the handler of a record until it succeeds or the tries are used up.

    What comes back in the end is always something to commit: the handler's outputs, one record for
    the retry topic, or one dead letter. The first try, all that most records need, is kept short.
    """

    def __init__(  # noqa: PLR0913 - a try passes all of them
        self,
        handlers: Handlers,
        rounds: Rounds,
        *,
        service: str,
        slots: Slots,
        dependencies: DependencyBreakers,
        poison: PoisonBreaker,
        metrics: Metrics | None = None,
    ) -> None:
        self._handlers = handlers
        self._rounds = rounds
        self._service = service
        self._slots = slots
        self._dependencies = dependencies
        self._poison = poison
        self._metrics = metrics or Metrics()

    async def first(self, record: Record, holder: object) -> list[Output]:
        """Try a record for the first time, in a slot of `holder`. Raises its handler's errors."""
        aside = record.topic in self._rounds.aside
        if (
            telemetry.is_traced()
            or self._dependencies.any_known
            or not self._slots.take(holder, aside=aside)
        ):
            return await self._first_with_care(record, holder)
        try:
            outputs = await self._handlers.handle(record)
        except Exception as error:
            with _handling(record):
                wait = self._wait_after(error, record)
            if wait is None:
                raise
        else:
            if self._dependencies.any_known:  # since then
                self._dependencies.succeeded(record.topic)
            self._succeeded(record.topic, aside=aside)
            return outputs
        finally:
            self._slots.release(holder)
        await asyncio.sleep(wait)
        return await self._first_with_care(record, holder)

    async def _first_with_care(self, record: Record, holder: object) -> list[Output]:
        """Do as `first` does where there is more to it than to call the handler."""
        with _handling(record):
            outputs = await self._try(record, holder)
        self._succeeded(record.topic, aside=record.topic in self._rounds.aside)
        return outputs

    async def further(self, record: Record, error: Exception | None) -> list[Output]:
        """Return what is to be produced for a record whose first try raised `error`.

        None stands for a record of the retry topic, which waits until it is due. Raises
        `FatalError`.
        """
        with _handling(record) as span:
            if error is not None:
                return await self._rounds_of(Retry(record, attempts=1), error, span)
            await asyncio.sleep(seconds_until_due(record))
            try:
                retry = Retry.read(record)
            except NotARetryError as not_ours:
                return [self._dead_letter(Retry(record), not_ours, span)]
            return await self._rounds_of(retry, None, span)

    async def _rounds_of(self, retry: Retry, error: Exception | None, span: Span) -> list[Output]:
        while True:
            try:
                outputs = await self._round(retry, error)
            except FatalError:
                raise
            except Exception as last:  # noqa: BLE001 - whatever is raised, the record is kept
                error = last
            else:
                topic = retry.record.topic
                self._succeeded(topic, aside=topic in self._rounds.aside)
                return outputs
            if (after := self._pause(retry, error)) is None:
                return [self._dead_letter(retry, self._verdict(retry, error), span)]
            retry.wait(after, cause=reason_code(error))
            self._metrics.count(RECORDS_RETRIED, retry.record.topic, retry.cause)
            if retry.record.topic not in self._rounds.in_order:
                return [retry.output(self._rounds.retry_topic)]
            await asyncio.sleep(after)
            error = None

    async def _round(self, retry: Retry, error: Exception | None) -> list[Output]:
        """Try up to `attempts` times in a row; `error` is that of the first, if it was made.

        Raises the last error.
        """
        async for attempt in stamina.retry_context(
            on=lambda error: self._soon(retry, error),
            attempts=self._rounds.attempts,
            timeout=None,
            wait_max=_INLINE_MAX_SECONDS,
        ):
            with attempt:
                if error is not None and attempt.num == 1:
                    raise error
                retry.attempts += 1
                return await self._try(retry.record, asyncio.current_task())
        raise AssertionError("stamina ends with a result or an error")

    def _succeeded(self, topic: str, *, aside: bool) -> None:
        if not aside:
            self._poison.good()
        self._metrics.count(RECORDS_HANDLED, topic)

    async def _try(self, record: Record, holder: object) -> list[Output]:
        """Call the handler once; while a dependency is down, wait and do not count it."""
        aside = record.topic in self._rounds.aside
        while True:
            is_probe = self._dependencies.any_known and await self._dependencies.admit(record.topic)
            try:
                if not self._slots.take(holder, aside=aside):
                    await self._slots.acquire(holder, aside=aside)
                try:
                    if not is_probe and self._dependencies.holds(record.topic):
                        continue  # it went down while the record waited for its slot
                    outputs = await self._handlers.handle(record)
                finally:
                    self._slots.release(holder)
            except Exception as error:
                if (wait := self._wait_after(error, record)) is None:
                    raise
            else:
                if self._dependencies.any_known:
                    self._dependencies.succeeded(record.topic, is_probe=is_probe)
                return outputs
            finally:
                if is_probe:
                    self._dependencies.probed()
            await asyncio.sleep(wait)

    def _wait_after(self, error: Exception, record: Record) -> float | None:
        """Count a failed try; return how long the record waits for a dependency.

        None if the error is the record's.
        """
        self._metrics.count(TRIES_FAILED, record.topic, reason_code(error))
        if not isinstance(error, OverloadedError):
            return None
        wait = self._dependencies.failed(error, record.topic)
        return None if self._is_expired(record) else wait

    def _soon(self, retry: Retry, error: Exception) -> bool | float:
        """Whether to try again in place; a number says after how many seconds."""
        if isinstance(error, _HOPELESS) or self._is_expired(retry.record):
            return False
        asked = _retry_after(error)
        return asked <= _INLINE_MAX_SECONDS and (asked or True)

    def _pause(self, retry: Retry, error: Exception) -> float | None:
        """Seconds until the next round, None if there is none."""
        if isinstance(error, _HOPELESS) or retry.round >= len(self._rounds.delays):
            return None
        after = max(self._rounds.delays[retry.round], _retry_after(error))
        return None if self._is_expired(retry.record, after) else after

    def _verdict(self, retry: Retry, error: Exception) -> Exception:
        """Return what the dead letter says: the error, or that time was up."""
        hopeless = isinstance(error, _HOPELESS) or retry.round >= len(self._rounds.delays)
        deadline = self._deadline(retry.record)
        return error if hopeless or deadline is None else DeadlineError(deadline.isoformat(), error)

    def _dead_letter(self, retry: Retry, error: Exception, span: Span) -> Output:
        record = retry.record
        code = reason_code(error)
        span.set_attribute("error.type", code)
        log.error(
            "dead letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason_code=code,
            raised_at=raised_at(error),
            attempts=retry.attempts,
        )
        self._metrics.count(RECORDS_DEAD_LETTERED, record.topic, code)
        is_junk = record.topic in self._rounds.foreign and isinstance(error, _JUNK)
        if not is_junk and record.topic not in self._rounds.aside:
            self._poison.dead(code)
        return dead_letter(
            record,
            error,
            topic=self._rounds.dead_letters,
            service=self._service,
            attempts=retry.attempts,
            is_foreign=record.topic in self._rounds.foreign,
        )

    def _deadline(self, record: Record) -> datetime | None:
        """Return the event's deadline; what a sender says on a foreign topic is for ingest."""
        return None if record.topic in self._rounds.foreign else deadline_of(record)

    def _is_expired(self, record: Record, after: float = 0.0) -> bool:
        """Whether the deadline has passed, or will have `after` seconds from now."""
        deadline = self._deadline(record)
        return deadline is not None and datetime.now(UTC) + timedelta(seconds=after) >= deadline


def _handling(record: Record) -> telemetry.handling:
    return telemetry.handling(
        record.topic, record.partition, record.offset, record.headers, record.value
    )


def deadline_of(record: Record) -> datetime | None:
    """Return when the event is of no more use: its CloudEvents extension `deadline` (RFC 3339)."""
    for name, raw in record.headers:
        if name == "ce_deadline" and raw is not None:
            try:
                deadline = datetime.fromisoformat(raw.decode())
            except ValueError:  # somebody else's extension of that name, or not UTF-8
                return None
            return deadline if deadline.tzinfo is not None else None
    return None


def log_retry(details: RetryDetails) -> None:
    """Log a failed try; stamina's own hook would quote the error, which may quote the data."""
    log.warning(
        "retry",
        attempt=details.retry_num,
        kind=type(details.caused_by).__name__,
        wait_seconds=round(details.wait_for, 3),
    )


def _retry_after(error: Exception) -> float:
    return (error.retry_after or 0.0) if isinstance(error, RetryableError) else 0.0
