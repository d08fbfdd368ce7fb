"""The master key, from the environment or a file: it encrypts all other keys."""

import base64
import binascii
import contextlib
import os
from pathlib import Path

from services.audit.adapters.folder import FILE_MODE, make_folder, sync_folder
from services.audit.tlog.blob import KEY_BYTES
from services.audit.tlog.keystore import MasterKeyError


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
    return _generated(path)


def _generated(path: Path) -> bytes:
    """Make a master key and return it, or the one of a process that was quicker."""
    make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        os.write(file, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
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
