"""What the audit log holds: a record as it stood on Kafka, and what it decides."""

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

Header = tuple[str, bytes | None]


class Position(NamedTuple):
    """Where a record stood. Two records with one position are one record, delivered twice.

    `timestamp` (ms since 1970) and `cluster` (the id that Kafka gives itself) belong to it: where
    a topic or a whole cluster is created anew, offsets start again at 0.
    """

    cluster: str
    topic: str
    partition: int
    offset: int
    timestamp: int


Stream = tuple[str, str, int]
"""Cluster, topic and partition: what `Position[:3]` is. Offsets count within it."""


class RequestKey(NamedTuple):
    """One acceptance of a request: the CloudEvents source and id it came with, and when it came.

    An id that comes again after ingest's duplicate window, or under another conversation, is
    accepted again and has an end of its own; a redelivery has the time of the first.
    """

    source: str
    id: str
    accepted_at: str = ""

    def digest(self) -> bytes:
        """Return 16 bytes that stand for the request in derived state."""
        return hashlib.blake2b(json.dumps(self).encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One record in full. A `value` of None (a tombstone) is not an empty one.

    `decides` names the request whose end the record decides, None for every other record.
    """

    position: Position
    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None
    decides: RequestKey | None = None
