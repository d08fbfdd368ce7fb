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
        ours: list[Header] = [
            _SPECVERSION,
            ("ce_id", self.id.encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
        ]
        if self.time is not None:
            ours.append(("ce_time", self.time.encode()))
        if self.subject is not None:
            ours.append(("ce_subject", self.subject.encode()))
        return [*ours, _CONTENT_TYPE, *_extensions(self.extensions), *self.foreign]

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
            _text_of(time.time_ns() // 1_000_000) if now is None else now.isoformat(),
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
        ours: list[Header] = [
            _SPECVERSION,
            ("ce_id", derived_id(cause.source, cause.id, self._stage).encode()),
            self._type,
            self._source,
            _header_of(time.time_ns() // 1_000_000),
        ]
        if cause.subject is not None:
            ours.append(("ce_subject", cause.subject.encode()))
        ours.append(_CONTENT_TYPE)
        if extensions or cause.extensions:
            ours += _extensions(_handed_on(cause, extensions))
        ours += cause.foreign
        return ours


def _handed_on(cause: Event, extensions: Mapping[str, str | None]) -> Mapping[str, str]:
    if not extensions:
        return cause.extensions
    merged = {**cause.extensions, **extensions}
    return {name: text for name, text in merged.items() if text is not None}


def _extensions(extensions: Mapping[str, str]) -> list[Header]:
    return [(f"ce_{name}", text.encode()) for name, text in extensions.items()]


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


def _text_of(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


@lru_cache(maxsize=2)  # under load, dozens of events are made in one millisecond
def _header_of(milliseconds: int) -> Header:
    return "ce_time", _text_of(milliseconds).encode()
