"""What can go wrong in delivery, by what follows from it.

DeliveryError
├── FatalError            the service stops; nothing of the record is committed
├── OutputTooLargeError   the record becomes a dead letter
├── CommitError           the transaction is repeated with a new producer
└── FencedError           another process owns the partition; its work here is dropped
"""


class DeliveryError(Exception):
    """Base of every error that the engine tells apart."""


class FatalError(DeliveryError):
    """The service cannot go on, whatever the record: stop, commit nothing of it, say why.

    A handler raises it when its own store or disk has failed. The record is neither skipped nor
    dead-lettered; it is handled after a restart.
    """


class OutputTooLargeError(DeliveryError):
    """A handler published more than its topic takes in one record."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(
            f"an event of {size:,} bytes does not fit topic {topic}, which takes {limit:,}: "
            "send less in one event"
        )


class CommitError(DeliveryError):
    """It is not known whether a transaction was committed: ask, and repeat it if it was not."""


class FencedError(DeliveryError):
    """A newer producer of this partition has started, so this one may write nothing more."""
