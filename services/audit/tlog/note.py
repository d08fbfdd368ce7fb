"""Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature).

A key's name is the log's origin (or the witness's name), without spaces and without `+`.
"""

import base64
import binascii
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.tlog.merkle import HASH_BYTES

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
_KEY_BYTES: Final = 32

_TIME_BYTES: Final = 8
_DASH: Final = "\u2014 "


class NoteError(ValueError):
    """Not a signed note, or not a checkpoint."""


class BadKeyError(NoteError):
    """Not a verifier key."""


class SignatureError(NoteError):
    """A signature that should be there is missing or wrong."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: of a log (`ED25519`), or of a witness (`COSIGNATURE`)."""

    name: str
    public: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(c.isspace() for c in self.name):
            raise BadKeyError(f"{self.name!r} cannot be a key's name: no spaces, no +, not empty")
        if self.algorithm not in (ED25519, COSIGNATURE) or len(self.public) != _KEY_BYTES:
            raise BadKeyError("only Ed25519 keys (algorithm 1) and cosignatures (4) are known")

    @property
    def id(self) -> bytes:
        """The key id: 4 bytes of SHA-256(name ‖ newline ‖ algorithm ‖ key)."""
        encoded = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(encoded).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        """Read `name+id+base64`. Raises `BadKeyError`."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - name, id, key
            raise BadKeyError("a verifier key is written name+id+base64")
        try:
            encoded = base64.b64decode(parts[2], validate=True)
        except binascii.Error as error:
            raise BadKeyError(f"the key's base64 is wrong: {error}") from error
        if not encoded:
            raise BadKeyError("a verifier key is written name+id+base64")
        key = cls(parts[0], encoded[1:], encoded[0])
        if key.id.hex() != parts[1]:
            raise BadKeyError(f"the key's id is {key.id.hex()}, not {parts[1]}")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. `blob` is what follows the key id."""

    name: str
    key_id: bytes
    blob: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.blob).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key with its name, for a log's signatures and, as a witness, for cosignatures."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> "SignerKey":
        """Return a new key."""
        return cls(name, Ed25519PrivateKey.generate())

    def verifier(self, algorithm: int = ED25519) -> VerifierKey:
        """Return the public key."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw(), algorithm)

    def sign(self, text: str) -> Signature:
        """Sign a note's text, which ends with a newline."""
        return Signature(self.name, self.verifier().id, self.private.sign(text.encode()))

    def cosign(self, text: str, at: int | None = None) -> Signature:
        """Cosign a checkpoint's text as a witness, at `at` seconds since 1970 or now."""
        at = int(time.time()) if at is None else at
        blob = at.to_bytes(_TIME_BYTES, "big") + self.private.sign(_cosigned(text, at))
        return Signature(self.name, self.verifier(COSIGNATURE).id, blob)


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()

    @classmethod
    def parse(cls, raw: bytes) -> "Note":
        """Read a note. Raises `NoteError`; says nothing of whether signatures are right."""
        try:
            document = raw.decode()
        except UnicodeDecodeError as error:
            raise NoteError("a note is UTF-8") from error
        text, blank, lines = document.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise NoteError("a note is a text, a blank line, and signature lines")
        if any(ord(c) < ord(" ") and c != "\n" for c in document):
            raise NoteError("a note has no control characters")
        return cls(f"{text}\n", tuple(_signature(line) for line in lines[:-1].split("\n")))

    def verify(self, keys: Iterable[VerifierKey]) -> list[tuple[VerifierKey, int | None]]:
        """Return the keys that signed, with the time in seconds since 1970 of a cosignature.

        Raises `SignatureError` where a signature of one of the keys is wrong, or none is there.
        """
        known = {(key.name, key.id): key for key in keys}
        found = [
            (key, _verify(key, self.text, signature))
            for signature in self.signatures
            if (key := known.get((signature.name, signature.key_id))) is not None
        ]
        if not found:
            signers = ", ".join(f"{s.name}+{s.key_id.hex()}" for s in self.signatures)
            raise SignatureError(f"no known key signed this note; these did: {signers}")
        return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, its size, and the hash of its tree. `extensions` are further lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note's text. Raises `NoteError`."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():  # noqa: PLR2004 - origin, size, root, and what follows
            raise NoteError("a checkpoint has an origin, a size and a root, each on a line")
        origin, size, encoded, *extensions = lines
        try:
            root = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise NoteError(f"the root's base64 is wrong: {error}") from error
        if not origin or not size.isascii() or not size.isdecimal() or str(int(size)) != size:
            raise NoteError("a checkpoint's size is a decimal number without leading zeros")
        if len(root) != HASH_BYTES or not all(extensions):
            raise NoteError("a checkpoint's root is 32 bytes, and no line is empty")
        checkpoint = cls(origin, int(size), root, tuple(extensions))
        if checkpoint.text != text:
            raise NoteError("the checkpoint is not written as it should be")
        return checkpoint

    def signed(self, *keys: SignerKey) -> Note:
        """Return the note with the keys' signatures."""
        return Note(self.text, tuple(key.sign(self.text) for key in keys))


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise NoteError(f"a signature's base64 is wrong: {error}") from error
    if not line.startswith(_DASH) or not name or not space or len(blob) <= 4:  # noqa: PLR2004 - id
        raise NoteError("a signature line is an em dash, a name and base64")
    return Signature(name, blob[:4], blob[4:])


def _verify(key: VerifierKey, text: str, signature: Signature) -> int | None:
    message, blob, at = text.encode(), signature.blob, None
    if key.algorithm == COSIGNATURE:
        at, blob = int.from_bytes(blob[:_TIME_BYTES], "big"), blob[_TIME_BYTES:]
        message = _cosigned(text, at)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(blob, message)
    except InvalidSignature as error:
        raise SignatureError(f"the signature of {key.name}+{key.id.hex()} is wrong") from error
    return at


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
