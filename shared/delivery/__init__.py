"""Consume, work, produce: exactly once as a `read_committed` reader sees it.

FastStream declares the handlers; the engine consumes, runs them side by side (in order per key),
and commits what they publish together with the input offsets in one Kafka transaction for each
input partition.
"""

from shared.delivery.declaration import Cause, Handlers, Service, Source, event_broker
from shared.delivery.errors import FatalError, OverloadedError, PermanentError, RetryableError
from shared.delivery.record import Output, Record
from shared.delivery.run import run

__all__ = [
    "Cause",
    "FatalError",
    "Handlers",
    "Output",
    "OverloadedError",
    "PermanentError",
    "Record",
    "RetryableError",
    "Service",
    "Source",
    "event_broker",
    "run",
]
