"""CloudEvents 1.0 over Kafka: binary mode is written, binary and structured mode are read.

Source: CloudEvents 1.0.2 and its Kafka protocol binding 1.0.2. In binary mode attributes travel
as `ce_…` headers and the record's value is the data; in structured mode the value is one JSON
object with `data` or `data_base64` in it and content type `application/cloudevents+json`.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from pydantic import BaseModel

Headers = Sequence[tuple[str, bytes | None]]

SPECVERSION: Final = "1.0"
NAMESPACE: Final = UUID("8a2b1bd0-5f6c-5c4e-9d0a-6e4f1f6f7a11")
"""Root of the ids that Glideslope derives."""

_STRUCTURED: Final = "application/cloudevents+json"
_ATTRIBUTES: Final = frozenset(
    {"specversion", "id", "type", "source", "time", "subject", "datacontenttype", "dataschema"}
)


class UnreadableError(ValueError):
    """A record is not an event that its topic carries. `code` is for counting."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its attributes, its data as JSON bytes, and the headers that are not ours.

    `extensions` holds CloudEvents extension attributes (`tenant` among them) without prefix;
    `foreign` every other header, untouched.
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
        attributes = {
            "ce_specversion": SPECVERSION,
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_time": self.time,
            "ce_subject": self.subject,
            "content-type": "application/json",
            **{f"ce_{name}": value for name, value in self.extensions.items()},
        }
        ours = [(name, value.encode()) for name, value in attributes.items() if value is not None]
        return [*ours, *self.foreign]

    def derive(  # noqa: PLR0913 - an event has this many parts
        self,
        data: BaseModel,
        *,
        type: str,  # noqa: A002 - the CloudEvents attribute's name
        source: str,
        stage: str,
        tenant: str | None = None,
        now: datetime | None = None,
    ) -> "Event":
        """Return the event that `stage` makes of this one.

        Its id depends on this event and the stage alone, so that a redelivery recreates it.
        Subject, tenant and other extensions are handed on.
        """
        extensions = dict(self.extensions)
        if tenant is not None:
            extensions["tenant"] = tenant
        return Event(
            id=derived_id(self.source, self.id, stage),
            type=type,
            source=source,
            data=data.model_dump_json().encode(),
            time=(now or datetime.now(UTC)).isoformat(),
            subject=self.subject,
            extensions=extensions,
            foreign=self.foreign,
        )


def derived_id(source: str, id: str, stage: str) -> str:  # noqa: A002 - the attribute's name
    """Return the UUIDv5 of an input event, known by source and id, and a stage."""
    return str(uuid5(uuid5(NAMESPACE, json.dumps([source, id])), stage))


def read(value: bytes | None, headers: Headers) -> Event:
    """Read a record as an event, in whichever mode it is.

    Raises `UnreadableError` where it is neither: no value, no or unreadable attributes, no JSON.
    """
    if value is None:
        raise UnreadableError("tombstone", "the record has no value: send the event's JSON data")
    if _content_type(headers).startswith(_STRUCTURED):
        return _structured(value, headers)
    return _binary(value, headers)


def _content_type(headers: Headers) -> str:
    for name, raw in headers:
        if name.lower() == "content-type" and raw is not None:
            return raw.decode(errors="replace").strip().lower()
    return ""


def _binary(value: bytes, headers: Headers) -> Event:
    attributes: dict[str, str] = {}
    foreign: list[tuple[str, bytes | None]] = []
    for name, raw in headers:
        if name.startswith("ce_"):
            attributes[name.removeprefix("ce_")] = _text(name, raw)
        elif name.lower() != "content-type":
            foreign.append((name, raw))
    _json(value)
    return _event(attributes, value, foreign)


def _structured(value: bytes, headers: Headers) -> Event:
    envelope = _json(value)
    if not isinstance(envelope, dict):
        raise UnreadableError("bad_envelope", "a structured event is one JSON object")
    data = json.dumps(_structured_data(envelope)).encode()
    attributes = {
        name: _attribute(name, attribute)
        for name, attribute in envelope.items()
        if name not in {"data", "data_base64"} and attribute is not None
    }
    return _event(attributes, data, [h for h in headers if h[0].lower() != "content-type"])


def _structured_data(envelope: Mapping[str, Any]) -> Any:
    if "data_base64" not in envelope:
        if "data" not in envelope:
            raise UnreadableError("no_data", "the event has no data: send the JSON data in `data`")
        return envelope["data"]
    try:
        return _json(base64.b64decode(envelope["data_base64"], validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError("bad_data", "data_base64 is not base64 of JSON data") from error


def _event(
    attributes: dict[str, str], data: bytes, foreign: Iterable[tuple[str, bytes | None]]
) -> Event:
    version = attributes.get("specversion", "")
    if version != SPECVERSION:
        raise UnreadableError("specversion", f"specversion is {version!r}: send '{SPECVERSION}'")
    for required in ("id", "type", "source"):
        if not attributes.get(required):
            raise UnreadableError(f"no_{required}", f"attribute {required} is missing or empty")
    return Event(
        id=attributes["id"],
        type=attributes["type"],
        source=attributes["source"],
        data=data,
        time=attributes.get("time"),
        subject=attributes.get("subject"),
        extensions={k: v for k, v in attributes.items() if k not in _ATTRIBUTES},
        foreign=tuple(foreign),
    )


def _attribute(name: str, attribute: object) -> str:
    """CloudEvents 1.0.2 section 2.2: booleans and integers have a string form too."""
    if isinstance(attribute, bool):
        return "true" if attribute else "false"
    if isinstance(attribute, str | int):
        return str(attribute)
    raise UnreadableError("bad_attribute", f"attribute {name} is not a string")


def _text(name: str, raw: bytes | None) -> str:
    if raw is None:
        raise UnreadableError("bad_attribute", f"header {name} is null")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("bad_attribute", f"header {name} is not UTF-8") from error


def _json(value: bytes) -> Any:
    try:
        return json.loads(value, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, _ConstantError) as error:
        raise UnreadableError("bad_json", "the data is not JSON (RFC 8259) in UTF-8") from error


class _ConstantError(ValueError):
    """NaN and Infinity are Python's, not JSON's."""


def _no_constant(name: str) -> None:
    raise _ConstantError(name)
