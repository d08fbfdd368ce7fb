"""What can go wrong in delivery, by what follows from it.

A handler raises:

DeliveryError
├── RetryableError        the record is tried again, later if the error says when
├── PermanentError        another try cannot help: the record becomes a dead letter at once
├── OverloadedError       a dependency is down or cannot keep up: the record waits, untried
│   └── NotYetError           what this record needs is on its way: it waits, others do not
└── FatalError            the service stops; nothing of the record is committed

Any other exception counts as retryable. The engine itself raises:

DeliveryError
├── PermanentError
│   └── OutputTooLargeError   an output does not fit its topic
├── FatalError
│   └── PoisonError           too much would become dead letters
├── DeadlineError         the event's deadline passed before a try succeeded
├── CommitError           the transaction is repeated with a new producer
└── FencedError           another process owns the partition; its work here is dropped
"""

from typing import ClassVar


class DeliveryError(Exception):
    """Base of every error that the engine tells apart."""


class RetryableError(DeliveryError):
    """This try failed, another may succeed.

    `retry_after` is the time, in seconds, that a provider asks for before the next one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(DeliveryError):
    """No try of this record can succeed, as it is."""


class OverloadedError(DeliveryError):
    """A dependency is down or cannot keep up, whatever the record.

    Nothing is held against the record, which is tried again after `retry_after` seconds, or soon
    if that is not given. After several in a row no record of its topic is tried until a probe
    finds that the dependency has recovered.
    """

    def __init__(self, dependency: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{dependency}: {message}")
        self.dependency = dependency
        self.retry_after = retry_after


class NotYetError(OverloadedError):
    """What this record needs is on its way, while others have what they need.

    Nothing is held against the record either, and no other waits with it.
    """


class FatalError(DeliveryError):
    """The service cannot go on, whatever the record: stop, commit nothing of it, say why.

    A handler raises it when its own store or disk has failed. The record is neither skipped nor
    dead-lettered; it is handled after a restart.
    """

    exit_code: ClassVar[int] = 1


class PoisonError(FatalError):
    """So many records would become dead letters that the cause must lie elsewhere."""

    exit_code: ClassVar[int] = 3

    def __init__(self, dead: int, handled: int, last: str) -> None:
        super().__init__(
            f"{dead} of the last {handled} records became dead letters (the last: {last}): stopped "
            "rather than dead-letter everything. See `glideslope dlq list`, mend the cause, start "
            "again"
        )


class OutputTooLargeError(PermanentError):
    """A handler published more than its topic takes in one record."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(
            f"an event of {size:,} bytes does not fit topic {topic}, which takes {limit:,}: "
            "send less in one event"
        )


class DeadlineError(DeliveryError):
    """The event's deadline passed, so it is not tried again."""

    def __init__(self, deadline: str, last: Exception) -> None:
        super().__init__(f"deadline {deadline} passed; the last try: {type(last).__name__}")


class CommitError(DeliveryError):
    """It is not known whether a transaction was committed: ask, and repeat it if it was not."""


class FencedError(DeliveryError):
    """A newer producer of this partition has started, so this one may write nothing more."""
