"""An encrypted record: everything that an entry holds and the log does not say in the clear.

    byte 0        2, the version of this layout
    bytes 1-16    the id of the key that wraps the data key: the subject's, or the tenant's
    bytes 17-56   the data key, wrapped (AES key wrap, RFC 3394)
    bytes 57-68   nonce
    bytes 69-     AES-256-GCM of the record under the data key, tag included

The data key is for this blob alone, and random. The associated data is the entry's identity (see
`leaf.identity`), so that a blob opens at its own place only. What is encrypted is the record's key,
its value, and then the name and value of each header, in order: each a big-endian uint32 and the
bytes. The number is their count and one; 0 stands for none at all, which is not the same as empty.
"""

import os
import struct
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from services.audit.entry import Header

_VERSION: Final = 2
_KEY_ID: Final = slice(1, 17)
_WRAPPED: Final = slice(17, 57)
_NONCE: Final = slice(57, 69)
_SEALED: Final = slice(69, None)
_COUNT: Final = struct.Struct(">I").pack
_NONE: Final = _COUNT(0)
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
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


class Sealable(Protocol):
    """What can be sealed: a `Content`, or an `Entry` as it is."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""

    @property
    def headers(self) -> tuple[Header, ...]:
        """Its headers, in order."""

    @property
    def value(self) -> bytes | None:
        """Its value; None is a tombstone."""


def seal(content: Sealable, key: Key, identity: bytes) -> bytes:
    """Return the blob. Two of the same content differ: data key and nonce are random."""
    random = os.urandom(KEY_BYTES + _NONCE_BYTES)
    data_key, nonce = random[:KEY_BYTES], random[KEY_BYTES:]
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


def _encode(content: Sealable) -> bytes:
    parts = [_NONE if content.key is None else _COUNT(len(content.key) + 1) + content.key]
    parts.append(_NONE if content.value is None else _COUNT(len(content.value) + 1) + content.value)
    for name, value in content.headers:
        encoded = name.encode()
        parts += (
            _COUNT(len(encoded) + 1),
            encoded,
            _NONE if value is None else _COUNT(len(value) + 1) + value,
        )
    return b"".join(parts)


def _decode(plain: bytes) -> Content:
    parts: list[bytes | None] = []
    at = 0
    while at < len(plain):
        count = int.from_bytes(plain[at : at + 4], "big")
        at += 4
        parts.append(None if count == 0 else plain[at : at + count - 1])
        at += max(count - 1, 0)
    try:
        key, value, *headers = parts
        pairs = zip(headers[::2], headers[1::2], strict=True)
        named = tuple((_name(name), text) for name, text in pairs)
    except ValueError as error:
        raise BadBlobError(f"the blob holds no record: {error!r}") from error
    if at != len(plain):
        raise BadBlobError("the blob holds no record: it is cut short")
    return Content(key, named, value)


def _name(raw: bytes | None) -> str:
    if raw is None:
        raise ValueError("a header without a name")
    return raw.decode()
