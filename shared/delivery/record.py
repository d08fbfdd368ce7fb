"""A record as it was consumed, and a record as it will be produced.

Neither is changed once it is made. They are not frozen, because making a frozen one takes three
times as long, and each event needs several.
"""

from dataclasses import dataclass, field
from typing import Any, Self

Header = tuple[str, bytes | None]


@dataclass(slots=True, unsafe_hash=True)
class Record:
    """One consumed record, untouched, at its source position. `timestamp` in ms since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    size: int = field(init=False, repr=False, compare=False)
    """Bytes of key, value and headers; asked for several times on the way, so worked out once."""

    def __post_init__(self) -> None:
        """Work the size out."""
        # Headers are a sender's to choose, too: each may carry a megabyte of them.
        size = len(self.value or b"") + len(self.key or b"")
        for name, raw in self.headers:
            size += len(name) + (len(raw) if raw else 0)
        self.size = size

    @classmethod
    def of(cls, fetched: Any) -> Self:
        """Return a record as a Kafka client fetched it."""
        return cls(
            fetched.topic,
            fetched.partition,
            fetched.offset,
            fetched.timestamp,
            fetched.key,
            fetched.value,
            tuple(fetched.headers),
        )


@dataclass(slots=True, unsafe_hash=True)
class Output:
    """One record to produce. `partition` None leaves the choice to the key's hash."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    partition: int | None = None

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return _size(self.key, self.value, self.headers)


def _size(key: bytes | None, value: bytes | None, headers: tuple[Header, ...]) -> int:
    # Headers are a sender's to choose, too: each may carry a megabyte of them.
    size = len(value or b"") + len(key or b"")
    for name, raw in headers:
        size += len(name)
        if raw:
            size += len(raw)
    return size
