"""A record on its way through a service's retry topic, and back to what it was.

It keeps its key, headers and bytes; what the engine has to remember travels in headers appended
after its own: where it came from, how often it was tried, why, and when it is due again.
"""

import time
from dataclasses import dataclass, replace
from typing import Final, Self

from shared.delivery.errors import PermanentError
from shared.delivery.record import Header, Output, Record

_PREFIX: Final = "glideslope-retry-"
_NAMES: Final = ("topic", "partition", "offset", "timestamp", "attempts", "round", "due", "cause")


class NotARetryError(PermanentError):
    """A record of a retry topic lacks what the engine writes there."""

    def __init__(self) -> None:
        super().__init__("the record lacks the headers of a retry: send it to its own topic")


@dataclass(slots=True)
class Retry:
    """A record, as it was first consumed, with the tries that it has had.

    `round` counts its passes through the retry topic, `due` is when the next is to be tried, in
    ms since 1970, `cause` the reason code of the last error.
    """

    record: Record
    attempts: int = 0
    round: int = 0
    due: int = 0
    cause: str = ""

    @classmethod
    def read(cls, record: Record) -> Self:
        """Read a record of a retry topic. Raises `NotARetryError` if it is none of ours."""
        own = record.headers[-len(_NAMES) :]
        told = {name: (raw or b"").decode(errors="replace") for name, raw in own}
        try:
            topic, partition, offset, timestamp, attempts, round_, due, cause = (
                told[f"{_PREFIX}{name}"] for name in _NAMES
            )
            original = replace(
                record,
                topic=topic,
                partition=int(partition),
                offset=int(offset),
                timestamp=int(timestamp),
                headers=record.headers[: -len(_NAMES)],
            )
            return cls(original, int(attempts), int(round_), int(due), cause)
        except (KeyError, ValueError) as error:
            raise NotARetryError from error

    def wait(self, seconds: float, *, cause: str) -> None:
        """Begin another round, due in `seconds`."""
        self.round += 1
        self.due = int((time.time() + seconds) * 1000)
        self.cause = cause

    def output(self, topic: str) -> Output:
        """Return the record for the retry topic named `topic`."""
        record = self.record
        values = (record.topic, record.partition, record.offset, record.timestamp)
        told = (*values, self.attempts, self.round, self.due, self.cause)
        own: tuple[Header, ...] = tuple(
            (f"{_PREFIX}{name}", str(value).encode())
            for name, value in zip(_NAMES, told, strict=True)
        )
        return Output(topic, record.key, record.value, record.headers + own, record.partition)


def seconds_until_due(record: Record) -> float:
    """Return how long a record of a retry topic is to wait; 0 for one that is none of ours."""
    try:
        return max(0.0, Retry.read(record).due / 1000 - time.time())
    except NotARetryError:
        return 0.0
