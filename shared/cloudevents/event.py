"""An event, how it is written to a record, and how one is derived from another."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import BaseModel

Header = tuple[str, bytes | None]
Headers = Sequence[Header]

SPECVERSION: Final = "1.0"
_SPECVERSION: Final[Header] = ("ce_specversion", SPECVERSION.encode())
_CONTENT_TYPE: Final[Header] = ("content-type", b"application/json")
NAMESPACE: Final = UUID("8a2b1bd0-5f6c-5c4e-9d0a-6e4f1f6f7a11")
"""Root of the ids that Glideslope derives."""
_ROOT: Final = NAMESPACE.bytes


@dataclass(slots=True)  # never changed; frozen, it would take three times as long to make
class Event:
    """One event: its attributes, its data as JSON bytes, and the headers that are not ours.

    `extensions` holds CloudEvents extension attributes (`tenant` among them) without prefix;
    `foreign` every other header, untouched and in order, W3C's `traceparent` among them. `time`
    is the sender's own text. `dataschema` is not kept: it describes the data of one event only.
    """

    id: str
    type: str
    source: str
    data: bytes
    time: str | None = None
    subject: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)
    foreign: tuple[Header, ...] = ()

    @property
    def tenant(self) -> str | None:
        """The tenant that the sender named, if any."""
        return self.extensions.get("tenant")

    def headers(self) -> list[Header]:
        """Return the record headers of binary mode, the foreign ones last and untouched."""
        return _headers(
            self.id,
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
            self.time,
            self.subject,
            self.extensions,
            self.foreign,
        )

    def derive(  # noqa: PLR0913 - an event has this many parts
        self,
        data: BaseModel,
        *,
        type: str,  # noqa: A002 - the CloudEvents attribute's name
        source: str,
        stage: str,
        extensions: Mapping[str, str | None] = MappingProxyType({}),
        now: datetime | None = None,
    ) -> "Event":
        """Return the event that `stage` makes of this one.

        Its id depends on this event and the stage alone, so that a redelivery recreates it.
        Subject, tenant and other extensions are handed on; `extensions` adds to them, replaces
        them, and with None leaves one out.
        """
        return Event(
            derived_id(self.source, self.id, stage),
            type,
            source,
            data.__pydantic_serializer__.to_json(data),
            _text_of_now() if now is None else now.isoformat(),
            self.subject,
            _handed_on(self, extensions),
            self.foreign,
        )


class Derivation:
    """Derives events of one type, as `Event.derive` does, for one stage.

    It gives record headers at once: what is the same in all of them is encoded only here.
    """

    def __init__(self, type: str, source: str, stage: str) -> None:  # noqa: A002 - as above
        self._type = ("ce_type", type.encode())
        self._source = ("ce_source", source.encode())
        self._stage = stage

    def headers(
        self, cause: Event, extensions: Mapping[str, str | None] = MappingProxyType({})
    ) -> list[Header]:
        """Return the headers of the event that is derived from `cause` now."""
        return _headers(
            derived_id(cause.source, cause.id, self._stage),
            self._type,
            self._source,
            _text_of_now(),
            cause.subject,
            _handed_on(cause, extensions),
            cause.foreign,
        )


def _handed_on(cause: Event, extensions: Mapping[str, str | None]) -> Mapping[str, str]:
    if not extensions:
        return cause.extensions
    merged = {**cause.extensions, **extensions}
    return {name: text for name, text in merged.items() if text is not None}


def _headers(  # noqa: PLR0913, PLR0917 - an event has this many attributes; keywords take time
    id: str,  # noqa: A002 - the attribute's name
    type: Header,  # noqa: A002 - as above
    source: Header,
    time: str | None,
    subject: str | None,
    extensions: Mapping[str, str],
    foreign: Headers,
) -> list[Header]:
    ours: list[Header] = [_SPECVERSION, ("ce_id", id.encode()), type, source]
    if time is not None:
        ours.append(("ce_time", time.encode()))
    if subject is not None:
        ours.append(("ce_subject", subject.encode()))
    ours.append(_CONTENT_TYPE)
    if extensions:
        ours += [(f"ce_{name}", text.encode()) for name, text in extensions.items()]
    ours += foreign
    return ours


def derived_id(source: str, id: str, stage: str) -> str:  # noqa: A002 - the attribute's name
    """Return the UUIDv5 of an input event, known by source and id, and a stage.

    RFC 9562, 5.5, in the namespace that is the input event's own UUIDv5. `uuid.uuid5` takes five
    times as long, and every output needs two.
    """
    hashed = _of_source(source).copy()
    hashed.update(f"{_quoted(id)}]".encode())
    cause = bytearray(hashed.digest()[:16])
    cause[6] = cause[6] & 0x0F | 0x50
    cause[8] = cause[8] & 0x3F | 0x80
    hashed = _NOTHING.copy()
    hashed.update(cause + stage.encode())
    text = hashed.hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


_VARIANT: Final = {f"{digit:x}": f"{digit & 0x3 | 0x8:x}" for digit in range(16)}
"""A UUID's seventeenth digit says by its upper two bits which variant it is."""
_NOTHING: Final = hashlib.sha1(usedforsecurity=False)
"""Copied and never added to: to begin a hash anew takes three times as long."""


@lru_cache(maxsize=16)  # senders are few, and some of their names may be long
def _of_source(source: str) -> "hashlib._Hash":
    """Return the hash of what comes before the id in the name of an event's own UUID."""
    return hashlib.sha1(_ROOT + f"[{_quoted(source)}, ".encode(), usedforsecurity=False)


def _text_of_now() -> str:
    return _text_of(time.time_ns() // 1_000_000)


@lru_cache(maxsize=2)  # under load, dozens of events are made in one millisecond
def _text_of(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
