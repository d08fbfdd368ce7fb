"""Consume, work, produce: exactly once as a `read_committed` reader sees it.

FastStream declares the handlers; the engine consumes, runs them side by side (in order per key),
and commits what they publish together with the input offsets in one Kafka transaction for each
input partition.

The engine is loaded when it is first asked for: who only names records and errors, as the command
line does, starts in half the time. `run` is in the module of that name.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from shared.delivery.errors import (
    FatalError,
    NotYetError,
    OverloadedError,
    PermanentError,
    RetryableError,
)
from shared.delivery.record import Output, Record

if TYPE_CHECKING:
    from shared.delivery.declaration import Cause, Handlers, Service, Source, event_broker

__all__ = [
    "Cause",
    "FatalError",
    "Handlers",
    "NotYetError",
    "Output",
    "OverloadedError",
    "PermanentError",
    "Record",
    "RetryableError",
    "Service",
    "Source",
    "event_broker",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("shared.delivery.declaration"), name)
