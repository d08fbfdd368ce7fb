"""Frames of `application/vnd.amazon.eventstream`, as ConverseStream sends them.

A frame: its length, the length of its headers (4 bytes each, big-endian), CRC-32 of these 8 bytes,
headers, payload, CRC-32 of all that. A header: length of its name (1 byte), name, type (7: a
string), length of the value (2 bytes), value.

Source: Amazon's event stream encoding, in the Transcribe developer guide; Smithy's specification.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_STRING: Final = 7
_OVERHEAD: Final = 16  # prelude with its checksum, and the frame's checksum


def event(kind: str, data: Mapping[str, Any]) -> bytes:
    """Return the frame of an event."""
    return _frame({":message-type": "event", ":event-type": kind}, data)


def exception(kind: str, message: str) -> bytes:
    """Return the frame of an error in mid-stream."""
    return _frame({":message-type": "exception", ":exception-type": kind}, {"message": message})


def _frame(headers: Mapping[str, str], data: Mapping[str, Any]) -> bytes:
    told = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", _STRING, len(value))
        + value.encode()
        for name, value in {":content-type": "application/json", **headers}.items()
    )
    payload = json.dumps(data).encode()
    lengths = struct.pack("!II", _OVERHEAD + len(told) + len(payload), len(told))
    frame = lengths + struct.pack("!I", zlib.crc32(lengths)) + told + payload
    return frame + struct.pack("!I", zlib.crc32(frame))
