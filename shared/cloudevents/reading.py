"""A record read as an event, in binary or in structured mode.

Three readings that the specifications leave open:

- Header names are matched without regard to case, as the CloudEvents SDKs do.
- A null attribute header says what a JSON null says: the attribute is not set.
- In structured mode the object alone counts. `ce_…` headers beside it, which a sender may add,
  are not read and not carried on.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from shared.cloudevents.event import SPECVERSION, Event, Header, Headers
from shared.cloudevents.unreadable import UnreadableError

_EVENT_FORMATS: Final = "application/cloudevents"
_JSON_FORMAT: Final = "application/cloudevents+json"
_JSON_TYPE: Final = re.compile(r"[a-z]+/([a-z0-9.-]+\+)?json")
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)
_NAME: Final = re.compile(r"[a-z0-9]+")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no attribute may hold: control characters and lone surrogates (CloudEvents 1.0.2, 3)."""
_STRINGS: Final = frozenset(
    {"specversion", "id", "type", "source", "time", "subject", "datacontenttype", "dataschema"}
)
_NOT_ATTRIBUTES: Final = frozenset({"data", "data_base64"})
_LONGEST_KEPT: Final = 128
"""Characters of a header name or a content type whose reading is kept for the next record. They are
a sender's to choose: without a bound, so would be the memory that they take."""


def read(value: bytes | None, headers: Headers) -> Event:
    """Read a record as an event, in whichever mode it is.

    Raises `UnreadableError` where it is neither: no value, no or unreadable attributes, no JSON.
    Headers that are not CloudEvents attributes are never looked into, and so never an error.
    """
    if value is None:
        raise UnreadableError("tombstone", "the record has no value: send the event's JSON data")
    attributes: dict[str, str] = {}
    foreign: list[Header] = []
    try:
        for header in headers:
            name, raw = header
            short = len(name) <= _LONGEST_KEPT
            attribute = (_attribute_of if short else _attribute_of.__wrapped__)(name)
            if attribute is None:
                foreign.append(header)
            elif raw is None or attribute in attributes:
                return _with_care(value, headers)
            else:
                attributes[attribute] = raw.decode("ascii")
    except UnicodeDecodeError:
        return _with_care(value, headers)
    content_type = attributes.get("datacontenttype")
    if content_type is not None:
        short = len(content_type) <= _LONGEST_KEPT
        if (_is_event_format if short else _is_event_format.__wrapped__)(content_type):
            return _with_care(value, headers)
    _parse_data(value)
    return _event(attributes, value, foreign)


@lru_cache(maxsize=64)  # up to `_LONGEST_KEPT` characters, as all three that are kept
def _is_event_format(content_type: str) -> bool:
    """Whether the content type is one of structured mode."""
    return content_type.lower().strip().startswith(_EVENT_FORMATS)


def _with_care(value: bytes, headers: Headers) -> Event:
    """Read a record whose headers are not all plain text, each given once, of binary mode."""
    ours: list[tuple[str, str, bytes | None]] = []
    content_types: list[tuple[str, str, bytes | None]] = []
    foreign: list[Header] = []
    for header in headers:
        name, raw = header
        attribute = _attribute_of.__wrapped__(name)
        if attribute is None:
            foreign.append(header)
            continue
        ours.append((attribute, name, raw))
        if attribute == "datacontenttype" and name.lower() == "content-type":
            content_types.append(ours[-1])
    if content_types:
        media_type = _media_type(_texts(content_types).get("datacontenttype", ""))
        if media_type.startswith(_EVENT_FORMATS):
            return _structured(value, media_type, foreign)
    attributes = _texts(ours)
    _parse_data(value)
    return _event(attributes, value, foreign)


def _texts(headers: Iterable[tuple[str, str, bytes | None]]) -> dict[str, str]:
    """Return the text of each attribute, on which its headers must agree.

    `headers` are given as attribute, header name and value.
    """
    texts: dict[str, str] = {}
    for attribute, name, raw in headers:
        if raw is None:
            continue
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise UnreadableError("bad_attribute", f"header {name} is not UTF-8") from error
        if texts.setdefault(attribute, text) != text:
            raise UnreadableError(
                "bad_attribute", f"header {name} is given twice, with different values"
            )
    return texts


@lru_cache(maxsize=1024)  # the same few names come with every record; longer ones are not kept
def _attribute_of(header: str) -> str | None:
    """Return the name of the attribute that a header holds, None for a foreign header.

    The `content-type` header is the attribute `datacontenttype` (binding 3.2.1).
    """
    header = header.lower()
    if header == "content-type":
        return "datacontenttype"
    name = header.removeprefix("ce_")
    if name == header or name in _NOT_ATTRIBUTES or not _NAME.fullmatch(name):
        return None
    return name


def _structured(value: bytes, media_type: str, foreign: Headers) -> Event:
    if media_type.startswith("application/cloudevents-batch"):
        raise UnreadableError("batch", "the record holds a batch: send one event a record")
    if media_type != _JSON_FORMAT:
        raise UnreadableError(
            "unsupported_format", f"content type is {media_type!r}: send '{_JSON_FORMAT}'"
        )
    envelope = _parse(value)
    if not isinstance(envelope, dict):
        raise UnreadableError("bad_envelope", "a structured event is one JSON object")
    members = {name: member for name, member in envelope.items() if member is not None}
    data = _structured_data(members)
    attributes = {
        name: _attribute(name, member)
        for name, member in members.items()
        if name not in _NOT_ATTRIBUTES
    }
    return _event(attributes, data, foreign)


def _structured_data(members: Mapping[str, Any]) -> bytes:
    """Return the data as JSON bytes (JSON event format 1.0.2, section 3.1)."""
    if "data_base64" not in members:
        if "data" not in members:
            raise UnreadableError("no_data", "the event has no data: send the JSON data in `data`")
        return to_json(members["data"])
    if "data" in members:
        raise UnreadableError("bad_data", "the event has `data` and `data_base64`: send one")
    try:
        data = base64.b64decode(members["data_base64"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise UnreadableError("bad_data", "data_base64 is not base64 of JSON data") from error
    _parse_data(data)
    return data


def _attribute(name: str, member: object) -> str:
    """Return an attribute's text; booleans and integers have one too (CloudEvents 1.0.2, 3)."""
    if not _NAME.fullmatch(name):
        raise UnreadableError(
            "bad_attribute", f"{name!r} names no attribute: use a-z and 0-9, or put it into `data`"
        )
    if isinstance(member, str):
        return member
    if name not in _STRINGS:
        if isinstance(member, bool):
            return "true" if member else "false"
        if isinstance(member, int):
            return str(member)
    raise UnreadableError("bad_attribute", f"attribute {name} is not a string")


def _event(attributes: Mapping[str, str], data: bytes, foreign: Headers) -> Event:
    get = attributes.get
    version = get("specversion", "")
    if version != SPECVERSION:
        raise UnreadableError("specversion", f"specversion is {version!r}: send '{SPECVERSION}'")
    if not (id_ := get("id")):
        raise UnreadableError("no_id", "attribute id is missing or empty")
    if not (type_ := get("type")):
        raise UnreadableError("no_type", "attribute type is missing or empty")
    if not (source := get("source")):
        raise UnreadableError("no_source", "attribute source is missing or empty")
    texts = "".join(attributes.values())
    if not texts.isprintable() and _FORBIDDEN.search(texts):  # the first is quick, and nearly right
        (name, *_) = (name for name, text in attributes.items() if _FORBIDDEN.search(text))
        raise UnreadableError("bad_attribute", f"attribute {name} has a control character")
    subject = get("subject")
    if subject == "" or get("tenant") == "":
        name = "subject" if subject == "" else "tenant"
        raise UnreadableError("bad_attribute", f"attribute {name} is empty: leave it out")
    if (content_type := get("datacontenttype")) is not None:
        short = len(content_type) <= _LONGEST_KEPT
        (_check_content_type if short else _check_content_type.__wrapped__)(content_type)
    own = _STRINGS.issuperset(attributes)
    extensions = {} if own else {k: v for k, v in attributes.items() if k not in _STRINGS}
    return Event(id_, type_, source, data, get("time"), subject, extensions, tuple(foreign))


@lru_cache(maxsize=64)  # what is checked without an error need not be checked for each record
def _check_content_type(content_type: str) -> None:
    """Raise unless the data is declared to be JSON in UTF-8."""
    charset = _CHARSET.search(content_type)
    if not _JSON_TYPE.fullmatch(_media_type(content_type)) or (
        charset and charset[1].lower() not in {"utf-8", "us-ascii"}
    ):
        raise UnreadableError(
            "not_json", f"the data's content type is {content_type!r}: send 'application/json'"
        )


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _parse_data(value: bytes) -> None:
    if not value or _parse(value) is None:
        raise UnreadableError("no_data", "the event has no data: send JSON data")


def _parse(value: bytes) -> Any:
    """Parse JSON as every later reader of the bytes will be able to.

    Beyond RFC 8259 that means UTF-8 without a byte order mark, no lone surrogates, numbers that
    a double can hold, and at most 200 levels of nesting.
    """
    try:
        parsed = from_json(value, allow_inf_nan=False, cache_strings=False)
        if b"Infinity" in to_json(parsed):  # as text, or a number beyond a double
            json.dumps(parsed, allow_nan=False)
    except ValueError as error:
        raise UnreadableError("bad_json", f"the value is not JSON in UTF-8: {error}") from error
    return parsed
