"""An encrypted record: everything that an entry holds and the log does not say in the clear.

    byte 0        1, the version of this layout
    bytes 1-16    the id of the key that wraps the data key: the subject's, or the tenant's
    bytes 17-56   the data key, wrapped (AES key wrap, RFC 3394)
    bytes 57-68   nonce
    bytes 69-     AES-256-GCM of the record under the data key, tag included

The data key is for this blob alone, and random. The associated data is the entry's identity (see
`leaf.identity`), so that a blob opens at its own place only. What is encrypted is JSON:

    {"key":"…","headers":[["ce_id","1"],…],"value":"…"}

Bytes (key, value, a header's value) are a string where they are UTF-8, else `{"base64": "…"}`.
"""

import base64
import json
import os
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from services.audit.entry import Header

_VERSION: Final = 1
_KEY_ID: Final = slice(1, 17)
_WRAPPED: Final = slice(17, 57)
_NONCE: Final = slice(57, 69)
_SEALED: Final = slice(69, None)
KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 16


class BadBlobError(ValueError):
    """The blob does not open with this key at this place."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that wraps data keys, and its random id in hex."""

    id: str
    secret: bytes

    @classmethod
    def generate(cls) -> "Key":
        """Return a new key."""
        return cls(os.urandom(KEY_ID_BYTES).hex(), os.urandom(KEY_BYTES))

    def __repr__(self) -> str:
        return f"Key({self.id})"


@dataclass(frozen=True, slots=True)
class Content:
    """What a record says. A `value` of None (a tombstone) is not an empty one."""

    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None


def seal(content: Content, key: Key, identity: bytes) -> bytes:
    """Return the blob. Two of the same content differ: data key and nonce are random."""
    data_key, nonce = os.urandom(KEY_BYTES), os.urandom(12)
    sealed = AESGCM(data_key).encrypt(nonce, _encode(content), identity)
    wrapped = aes_key_wrap(key.secret, data_key)
    return bytes([_VERSION]) + bytes.fromhex(key.id) + wrapped + nonce + sealed


def key_id(blob: bytes) -> str:
    """Return the id of the key that opens the blob. Raises `BadBlobError`."""
    if blob[:1] != bytes([_VERSION]) or len(blob) < _NONCE.stop + 16:
        raise BadBlobError("this is no encrypted record of a known version")
    return blob[_KEY_ID].hex()


def open_(blob: bytes, key: Key, identity: bytes) -> Content:
    """Return what the blob holds. Raises `BadBlobError`."""
    if key_id(blob) != key.id:
        raise BadBlobError(f"the blob opens with the key {key_id(blob)}, not with {key.id}")
    try:
        data_key = aes_key_unwrap(key.secret, blob[_WRAPPED])
        plain = AESGCM(data_key).decrypt(blob[_NONCE], blob[_SEALED], identity)
    except (InvalidTag, InvalidUnwrap) as error:
        raise BadBlobError("the blob was changed, or belongs to another entry") from error
    return _decode(plain)


def _encode(content: Content) -> bytes:
    return json.dumps(
        {
            "key": _json(content.key),
            "headers": [[name, _json(value)] for name, value in content.headers],
            "value": _json(content.value),
        },
        separators=(",", ":"),
    ).encode()


def _decode(plain: bytes) -> Content:
    try:
        document = json.loads(plain)
        return Content(
            key=_bytes(document["key"]),
            headers=tuple((name, _bytes(value)) for name, value in document["headers"]),
            value=_bytes(document["value"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadBlobError(f"the blob holds no record: {error!r}") from error


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
