"""What one entry of the log says in the clear: where a record stood, and which blob holds it.

A leaf is canonical JSON (RFC 8785) of at most 65,535 bytes:

    {"v":1,"cluster":"…","topic":"requests","partition":0,"offset":3,"timestamp":1760000000000,
     "event_id":"…","type":"…","tenant":"…","release":"…","decides":{"accepted_at":"…",
     "id":"…","source":"…"},
     "subject_key":"…","blob":{"sha256":"…","bytes":1234}}

`event_id`, `type`, `tenant` and `release` are null where the record does not say, cannot be read
or says more than 1,024 characters; `decides` where the record ends no request. `subject_key` is
the random id of the key of the person whose data it is, null for a record that is nobody's, which
a key of its tenant encrypts. Nothing in a leaf is made from what the record says beyond these.

What happens to keys is logged too, as entries of the topic `:keys` (no topic of Kafka has a
colon): their cluster is the id of the key store, their offset numbers what happened there.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from services.audit.entry import Position, RequestKey
from services.audit.tlog.paths import MAX_ENTRY_BYTES

VERSION: Final = 1
MAX_ATTRIBUTE: Final = 1_024
KEY_EVENTS: Final = ":keys"
SHREDDED: Final = "glideslope.subject.shredded.v1"
HELD: Final = "glideslope.subject.held.v1"
RELEASED: Final = "glideslope.subject.released.v1"
ERASURE_REFUSED: Final = "glideslope.subject.erasure_refused.v1"
SIGNING_KEY_ROTATED: Final = "glideslope.signing_key.rotated.v1"

_TEXTS: Final = ("event_id", "type", "tenant", "release", "subject_key")
_FIELDS: Final = frozenset({"v", *Position._fields, *_TEXTS, "decides", "blob"})


class BadLeafError(ValueError):
    """Not a leaf, or not written as a leaf is."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Which blob: the SHA-256 of what is stored, in hex, and its length."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry; see the module."""

    position: Position
    event_id: str | None
    type: str | None
    tenant: str | None
    release: str | None
    decides: RequestKey | None
    subject_key: str | None
    blob: Blob

    def encode(self) -> bytes:
        """Return the canonical JSON. Raises `BadLeafError` if it is too long."""
        decides = None if self.decides is None else self.decides._asdict()
        encoded = _canonical(
            {
                "v": VERSION,
                **self.position._asdict(),
                "event_id": self.event_id,
                "type": self.type,
                "tenant": self.tenant,
                "release": self.release,
                "decides": decides,
                "subject_key": self.subject_key,
                "blob": asdict(self.blob),
            }
        )
        if len(encoded) > MAX_ENTRY_BYTES:
            raise BadLeafError(f"the leaf of {self.position} has {len(encoded)} bytes: too long")
        return encoded

    @classmethod
    def decode(cls, raw: bytes) -> "Leaf":
        """Read a leaf. Raises `BadLeafError` for anything that `encode` would not write."""
        try:
            document = json.loads(raw)
            if set(document) != _FIELDS or document["v"] != VERSION:
                raise BadLeafError("a leaf of version 1 has other fields")
            leaf = cls(
                position=Position(*(_number_or_text(document, n) for n in Position._fields)),
                decides=None if document["decides"] is None else RequestKey(**document["decides"]),
                blob=Blob(**document["blob"]),
                **{n: _text(document[n]) for n in _TEXTS},
            )
            canonical = leaf.encode()
        except (AttributeError, KeyError, TypeError, UnicodeError, ValueError) as error:
            raise BadLeafError(f"not a leaf: {error}") from error
        if canonical != raw:
            raise BadLeafError("the leaf is not canonical JSON")
        return leaf


def identity(origin: str, position: Position) -> bytes:
    """Return what binds a blob to its entry: log and position, as canonical JSON."""
    return _canonical({"origin": origin, **position._asdict()})


def _canonical(document: dict[str, Any]) -> bytes:
    # Of objects with ASCII names, strings and integers below 2 ** 53, this is what rfc8785.dumps
    # makes (a test holds the two together), in a quarter of the time.
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _number_or_text(document: dict[str, Any], name: str) -> Any:
    value = document[name]
    if not isinstance(value, str if name in ("cluster", "topic") else int):
        raise BadLeafError(f"{name} is {value!r}")
    return value


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadLeafError(f"{value!r} should be text or null")
    return value
