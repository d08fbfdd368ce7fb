"""The private key of a witness in a file, as golang.org/x/mod/sumdb/note writes one.

PRIVATE+KEY+<name>+<key id>+<base64 of 1 and the 32 bytes of the Ed25519 seed>
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.tlog.note import ED25519, BadKeyError, SignerKey

_PREFIX: Final = "PRIVATE+KEY+"
_MODE: Final = 0o600


class SignerError(Exception):
    """There is no private key to be had; the message says what to do."""


def create(path: Path, name: str) -> SignerKey:
    """Make a key and its file, readable for its owner alone. Raises `SignerError`."""
    try:
        key = SignerKey.generate(name)
        public = key.verifier()
    except BadKeyError as error:
        raise SignerError(str(error)) from error
    secret = base64.b64encode(bytes([ED25519]) + key.private.private_bytes_raw()).decode()
    text = f"{_PREFIX}{name}+{public.id.hex()}+{secret}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError as error:
        raise SignerError(
            f"{path} is there already: a witness that changes its key is another witness. Name "
            "another file with --signer"
        ) from error
    with os.fdopen(file, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    return key


def load(path: Path) -> SignerKey:
    """Read a key. Raises `SignerError`."""
    try:
        name, id_, secret = path.read_text().strip().removeprefix(_PREFIX).split("+", 2)
        raw = base64.b64decode(secret, validate=True)
        key = SignerKey(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
        if raw[0] != ED25519 or key.verifier().id.hex() != id_:
            raise SignerError(f"{path}: the key's id is not that of its name and its secret")
    except FileNotFoundError as error:
        raise SignerError(
            f"there is no private key {path}: make one with `glideslope audit witness --new-key "
            "NAME`, or name its file with --signer"
        ) from error
    except (BadKeyError, IndexError, OSError, ValueError, binascii.Error) as error:
        raise SignerError(
            f"{path} holds no private key ({error}): it should be {_PREFIX}name+id+base64"
        ) from error
    return key
