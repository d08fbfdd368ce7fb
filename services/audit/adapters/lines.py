r"""One entry as one line of JSON.

    {"crc32":"5f1c0f6e","origin":"glideslope/0","index":7,"size":9,"cluster":"…","topic":"requests",
     "partition":0,"offset":3,"timestamp":1760000000000,"key":"…","headers":[["ce_id","1"],…],
     "value":"…","decides":["crm","1"]}

Bytes (key, value, a header's value) are a string where they are UTF-8, else `{"base64": "…"}`;
null is null. `size` is the log's size after the batch that the entry was written in. `crc32` is the
CRC-32 of zlib over the rest of the line: from `"origin"` to before the newline.
"""

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

from services.audit.entry import Entry, Position, RequestKey

_PREFIX: Final = b'{"crc32":"%08x",'
_PREFIX_LENGTH: Final = len(_PREFIX % 0)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry at its place in a log. A `size` above `index` + 1: more of its batch follows."""

    origin: str
    index: int
    size: int
    entry: Entry


class BadLineError(ValueError):
    """The line is not what was written."""


def encode(line: Line) -> bytes:
    """Return the line with its newline."""
    entry = line.entry
    document = {
        "origin": line.origin,
        "index": line.index,
        "size": line.size,
        **entry.position._asdict(),
        "key": _json(entry.key),
        "headers": [[name, _json(value)] for name, value in entry.headers],
        "value": _json(entry.value),
        "decides": entry.decides,
    }
    rest = json.dumps(document, separators=(",", ":")).encode()[1:]
    return _PREFIX % zlib.crc32(rest) + rest + b"\n"


def decode(raw: bytes) -> Line:
    """Read a line, with or without its newline. Raises `BadLineError`."""
    rest = raw.removesuffix(b"\n")[_PREFIX_LENGTH:]
    if raw[:_PREFIX_LENGTH] != _PREFIX % zlib.crc32(rest):
        raise BadLineError("its checksum does not match")
    try:
        document = json.loads(b"{" + rest)
        return Line(
            origin=document["origin"],
            index=document["index"],
            size=document["size"],
            entry=Entry(
                position=Position(*(document[name] for name in Position._fields)),
                key=_bytes(document["key"]),
                headers=tuple((name, _bytes(value)) for name, value in document["headers"]),
                value=_bytes(document["value"]),
                decides=RequestKey(*document["decides"]) if document["decides"] else None,
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadLineError(f"it is not an entry of this format: {error!r}") from error


def _json(raw: bytes | None) -> str | dict[str, str] | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _bytes(document: Any) -> bytes | None:
    if document is None:
        return None
    if isinstance(document, str):
        return document.encode()
    return base64.b64decode(document["base64"], validate=True)
