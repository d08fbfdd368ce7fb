"""The audit log, as the service sees it: append, and get a receipt once it is durable.

An error of a log is never a record's own: nothing that could not be logged is passed over. While
its storage is unavailable a log waits; every other error stops the service.

LogError
├── LockedError         another process writes this log
├── DamagedError        what is on disk is not what was written
├── MissingLogError     the log that was written before is not here
├── OtherOriginError    this is the log of another deployment or partition
├── OtherWriterError    another process wrote this log, which should be ours alone
└── UnavailableError    the storage did not take or give something: it may later
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.audit.entry import Entry
from shared.delivery.errors import FatalError
from shared.events import Receipt


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry stands for good.

    `decides` says that this entry decides its request: it is the first in the log that does.
    """

    receipt: Receipt
    decides: bool


class Log(Protocol):
    """The log of one partition number; `<deployment>/<partition>` is its origin."""

    @property
    def problem(self) -> str | None:
        """What stands in the way of appending, in a sentence; None while nothing does."""

    async def append(self, entry: Entry) -> Appended:
        """Return once the entry is durable. Entries are logged in the order of the calls.

        An entry whose position is in the log already makes no second one: what comes back is
        what the first one got. Raises `LogError`.
        """

    async def close(self) -> None:
        """Finish what is being appended and let another process write the log."""


class Store(Protocol):
    """Where one log lies. Called by one thread at a time, and may block."""

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Do what `Log.append` does, for all entries in one durable write or for none."""

    def tend(self) -> None:
        """Do what is due while no entries come. Raises `LogError`."""

    def close(self) -> None:
        """Let another process write the log."""


class LogError(FatalError):
    """The log takes no entry, so nothing may be answered."""


class LockedError(LogError):
    """Another process writes this log."""


class DamagedError(LogError):
    """What is on disk is not what was written."""


class MissingLogError(LogError):
    """The log of a partition was begun elsewhere, and a second one would fork it."""

    def __init__(self, origin: str, place: str) -> None:
        super().__init__(
            f"the audit log {origin} is not in {place}, though Kafka's offsets say that it was "
            "begun: start audit where its log is (GLIDESLOPE_HOME), or bring the folder here. If "
            "the log is lost for good, choose another GLIDESLOPE_DEPLOYMENT, so that nobody takes "
            "the new log for the old one, and set GLIDESLOPE_AUDIT_NEW_LOG=true once"
        )


class OtherOriginError(LogError):
    """This is the log of another deployment or partition."""


class OtherWriterError(LogError):
    """Another process wrote this log. Of what was being written, nothing counts as logged."""


class UnavailableError(LogError):
    """The storage is out of order. Of what was being written, nothing counts as logged yet."""
