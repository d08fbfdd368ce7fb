"""The batch that is being written, on the local disk: what a restart finishes.

One file that is written over and over, so that its fsync seldom touches more than data. A batch
that is not whole in it was never begun to be written to the log.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Final

from services.audit.adapters.folder import FILE_MODE, make_folder, sync_folder
from services.audit.log import LockedError
from services.audit.tlog.batch import Batch

_MAGIC: Final = b"glideslope journal 1\n"
_HEAD: Final = len(_MAGIC) + 32 + 8
_GROWTH: Final = 1 << 20
"""The file grows in steps of this many bytes: a new length is what makes an fsync slow."""


class Journal:
    """The journal of one log, and the lock that makes its process the one that writes the log."""

    def __init__(self, folder: Path) -> None:
        """Lock the folder. Raises `LockedError`."""
        make_folder(folder)
        self._lock = _lock(folder / "lock")
        try:
            self._file = os.open(folder / "journal", os.O_RDWR | os.O_CREAT, FILE_MODE)
            self._bytes = os.fstat(self._file).st_size
            sync_folder(folder)
        except OSError:
            os.close(self._lock)
            raise

    def write(self, batch: Batch) -> None:
        """Return once the batch is durable, in the place of the one before."""
        paths = [[(path, len(data)) for path, data in stage.items()] for stage in batch.stages]
        index = json.dumps(
            {
                "old": batch.old.decode(),
                "new": batch.new.decode(),
                "size": batch.size,
                "stages": paths,
            }
        ).encode()
        body = b"".join(
            [len(index).to_bytes(8, "big"), index, *(d for s in batch.stages for d in s.values())]
        )
        head = _MAGIC + hashlib.sha256(body).digest() + len(body).to_bytes(8, "big")
        data = head + body
        if len(data) > self._bytes:
            self._bytes = (len(data) // _GROWTH + 1) * _GROWTH
            data = data.ljust(self._bytes, b"\0")
        _write_all(self._file, data)
        os.fdatasync(self._file)

    def read(self) -> Batch | None:
        """Return the batch that was written last, None where there is none or half of one."""
        return _decoded(os.pread(self._file, self._bytes, 0))

    def close(self) -> None:
        """Let another process write the log."""
        os.close(self._file)
        os.close(self._lock)


def begun(folder: Path) -> Batch | None:
    """Return the batch that was begun last, without the lock: for those who only look."""
    try:
        return _decoded((folder / "journal").read_bytes())
    except FileNotFoundError:
        return None


def _decoded(raw: bytes) -> Batch | None:
    digest, length = raw[len(_MAGIC) : len(_MAGIC) + 32], raw[len(_MAGIC) + 32 : _HEAD]
    body = raw[_HEAD : _HEAD + int.from_bytes(length, "big")]
    if not raw.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        return None
    at = 8 + int.from_bytes(body[:8], "big")
    index = json.loads(body[8:at])
    stages: list[dict[str, bytes]] = []
    for paths in index["stages"]:
        stages.append({})
        for path, size in paths:
            stages[-1][path] = body[at : at + size]
            at += size
    return Batch(index["old"].encode(), index["new"].encode(), index["size"], tuple(stages))


def _write_all(file: int, data: bytes) -> None:
    left, at = memoryview(data), 0
    while left:
        written = os.pwrite(file, left, at)
        left, at = left[written:], at + written


def _lock(path: Path) -> int:
    """Return the locked file; closing it, or the end of the process, gives the lock back."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(file, 32, 0).decode(errors="replace")
        os.close(file)
        raise LockedError(
            f"process {owner} writes the audit log in {path.parent.parent}: one log has one "
            "writer, so stop that process before this one can go on"
        ) from error
    os.ftruncate(file, 0)
    _write_all(file, str(os.getpid()).encode())
    return file
