"""Trying a record: read, handle, try again, and in the end a dead letter."""

from typing import Final

import stamina
import structlog
from opentelemetry.trace import Span
from pydantic import ValidationError
from stamina.instrumentation import RetryDetails

from shared import telemetry
from shared.cloudevents import UnreadableError
from shared.delivery.dead_letters import dead_letter, raised_at, reason_code
from shared.delivery.declaration import Handlers
from shared.delivery.errors import FatalError, OutputTooLargeError
from shared.delivery.record import Output, Record

_PERMANENT: Final = (UnreadableError, ValidationError, OutputTooLargeError, FatalError)
"""Errors that another try cannot mend."""

log = structlog.get_logger(__name__)


class Attempts:
    """Calls the handler of a record until it succeeds or the tries are used up.

    What comes back is always something to commit: the handler's outputs, or one dead letter.
    Only `FatalError` is raised.
    """

    def __init__(
        self, handlers: Handlers, *, service: str, dead_letters: str, attempts: int
    ) -> None:
        self._handlers = handlers
        self._service = service
        self._dead_letters = dead_letters
        self._attempts = attempts

    async def outputs(self, record: Record) -> list[Output]:
        """Return what is to be produced for `record`. Raises `FatalError`."""
        with telemetry.handling(
            record.topic, record.partition, record.offset, record.headers, record.value
        ) as span:
            try:
                return await self._handlers.handle(record)
            except Exception as error:  # noqa: BLE001 - whatever is raised, the record is kept
                first = error
            return await self._again(record, first, span)

    async def _again(self, record: Record, error: Exception, span: Span) -> list[Output]:
        """Try again, where that may help; in the end return a dead letter."""
        number = 1
        try:
            async for attempt in stamina.retry_context(
                on=_may_pass_next_time, attempts=self._attempts, timeout=None, wait_max=2.0
            ):
                number = attempt.num
                with attempt:
                    if number == 1:
                        raise error  # noqa: TRY301 - made already, without stamina's cost
                    return await self._handlers.handle(record)
        except FatalError:
            raise
        except Exception as last:  # noqa: BLE001 - as above
            error = last
        span.set_attribute("error.type", reason_code(error))
        return [self._dead_letter(record, error, number)]

    def _dead_letter(self, record: Record, error: Exception, attempts: int) -> Output:
        log.error(
            "dead letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason_code=reason_code(error),
            raised_at=raised_at(error),
            attempts=attempts,
        )
        return dead_letter(
            record, error, topic=self._dead_letters, service=self._service, attempts=attempts
        )


def log_retry(details: RetryDetails) -> None:
    """Log a failed try; stamina's own hook would quote the error, which may quote the data."""
    log.warning(
        "retry",
        attempt=details.retry_num,
        kind=type(details.caused_by).__name__,
        wait_seconds=round(details.wait_for, 3),
    )


def _may_pass_next_time(error: Exception) -> bool:
    return not isinstance(error, _PERMANENT)
