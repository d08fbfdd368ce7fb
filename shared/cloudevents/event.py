"""An event, how it is written to a record, and how one is derived from another."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import BaseModel

Headers = Sequence[tuple[str, bytes | None]]

SPECVERSION: Final = "1.0"
_SPECVERSION: Final = SPECVERSION.encode()
NAMESPACE: Final = UUID("8a2b1bd0-5f6c-5c4e-9d0a-6e4f1f6f7a11")
"""Root of the ids that Glideslope derives."""


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
    foreign: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def tenant(self) -> str | None:
        """The tenant that the sender named, if any."""
        return self.extensions.get("tenant")

    def headers(self) -> list[tuple[str, bytes | None]]:
        """Return the record headers of binary mode, the foreign ones last and untouched."""
        ours: list[tuple[str, bytes | None]] = [
            ("ce_specversion", _SPECVERSION),
            ("ce_id", self.id.encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
        ]
        if self.time is not None:
            ours.append(("ce_time", self.time.encode()))
        if self.subject is not None:
            ours.append(("ce_subject", self.subject.encode()))
        ours.append(("content-type", b"application/json"))
        ours += [(f"ce_{name}", value.encode()) for name, value in self.extensions.items()]
        return [*ours, *self.foreign]

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
        handed_on = self.extensions
        if extensions:
            merged = {**handed_on, **extensions}
            handed_on = {name: text for name, text in merged.items() if text is not None}
        return Event(
            id=derived_id(self.source, self.id, stage),
            type=type,
            source=source,
            data=data.__pydantic_serializer__.to_json(data),
            time=(now or datetime.now(UTC)).isoformat(),
            subject=self.subject,
            extensions=handed_on,
            foreign=self.foreign,
        )


def derived_id(source: str, id: str, stage: str) -> str:  # noqa: A002 - the attribute's name
    """Return the UUIDv5 of an input event, known by source and id, and a stage."""
    cause = _uuid5(NAMESPACE.bytes, f"[{_quoted(source)}, {_quoted(id)}]")
    text = _uuid5(cause, stage).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _uuid5(namespace: bytes, name: str) -> bytes:
    """RFC 9562, 5.5. `uuid.uuid5` takes five times as long, and every output needs two."""
    digest = bytearray(hashlib.sha1(namespace + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)
