"""The master key, which encrypts all other keys: from the environment, from a file, or in KMS."""

import base64
import binascii
import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.adapters.folder import make_folder, sync_folder
from services.audit.tlog.blob import KEY_BYTES
from services.audit.tlog.keystore import MasterKeyError

NONCE_BYTES: Final = 12


class WrongMasterError(Exception):
    """The secret was wrapped under another master key, or for another name."""


class Master(Protocol):
    """Encrypts secrets, each bound to its name. May block."""

    def wrap(self, secret: bytes, name: str) -> bytes:
        """Return the secret encrypted. Raises `KeyStoreError`."""

    def unwrap(self, sealed: bytes, name: str) -> bytes:
        """Return the secret. Raises `WrongMasterError`, `KeyStoreError`."""


class LocalMaster:
    """A `Master` of 32 bytes: AES-256-GCM, the name as associated data."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)

    def wrap(self, secret: bytes, name: str) -> bytes:
        """See `Master`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, secret, name.encode())

    def unwrap(self, sealed: bytes, name: str) -> bytes:
        """See `Master`."""
        try:
            return self._key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise WrongMasterError(name) from error


def master_key(given: str | None, path: Path, keys: Path, *, generate: bool) -> bytes:
    """Return the master key: 32 bytes, as `given` in base64, or from the file.

    A file that is not there is made with a new key, readable for its owner alone, if `generate`
    says so and the folder `keys` holds no keys yet. Raises `MasterKeyError`.
    """
    if given is not None:
        return _decoded(given, "GLIDESLOPE_AUDIT_MASTER_KEY")
    try:
        return _decoded(path.read_text(), str(path))
    except FileNotFoundError as error:
        if not generate or next(keys.glob("*.sqlite"), None):
            raise MasterKeyError(
                f"there is no master key: put 32 random bytes in base64 into {path} or into "
                "GLIDESLOPE_AUDIT_MASTER_KEY. Where keys exist already, it must be the one that "
                "they were encrypted under: without it no record in the audit log can be read"
            ) from error
    return new_master_key(path)


def new_master_key(path: Path) -> bytes:
    """Make a master key and its file, readable for its owner alone, and return it.

    Where a file is there already its key is returned: of a process that was quicker, or of a
    rotation that was interrupted.
    """
    make_folder(path.parent)
    # Not by the process's number: in containers that share the folder each of them is number 1.
    file, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # for its owner
    try:
        with os.fdopen(file, "wb") as written:
            written.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            written.flush()
            os.fsync(written.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
    sync_folder(path.parent)
    return _decoded(path.read_text(), str(path))


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise MasterKeyError(f"{where} is no base64: {error}") from error
    if len(key) != KEY_BYTES:
        raise MasterKeyError(f"{where} has {len(key)} bytes: a master key has 32")
    return key
