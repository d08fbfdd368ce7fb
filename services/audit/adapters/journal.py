"""The batches that are not all in place yet, on the local disk: what a restart finishes.

One file that is written from its beginning each time that it was cleared, so that an fsync touches
data alone. Each batch begins with the checkpoint that the one before ended with, so what is left
of an earlier round ends the reading, as does a batch that is not whole: it was never logged.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.audit.adapters.folder import FILE_MODE, make_folder, sync_folder
from services.audit.log import LockedError
from services.audit.tlog.batch import Batch
from services.audit.tlog.paths import bundle, split_bundle

NAME: Final = "journal"
_MAGIC: Final = b"glideslope journal 2\n"
_DIGEST_AT: Final = len(_MAGIC)
_LENGTH_AT: Final = _DIGEST_AT + 32
_HEAD: Final = _LENGTH_AT + 8
_FULL: Final = 6 << 20
_GROWTH: Final = 1 << 20
"""The file grows by so many zeros at once, and never shrinks: a new length, or a hole that is
filled, makes an fsync slow."""


class Journal:
    """The journal of one log, and the lock that makes its process the one that writes the log."""

    def __init__(self, folder: Path) -> None:
        """Lock the folder. Raises `LockedError`."""
        make_folder(folder)
        self._lock = _lock(folder / "lock")
        try:
            self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, FILE_MODE)
            self._length = os.fstat(self._file).st_size
            self._end = 0
            self._raw = b""
            sync_folder(folder)
        except OSError:
            os.close(self._lock)
            raise

    @property
    def is_full(self) -> bool:
        """See `BatchJournal`."""
        return self._end > _FULL

    def write(self, batch: Batch) -> None:
        """See `BatchJournal`."""
        data = _encoded(batch)
        end = self._end + len(data)
        if end > self._length:
            grown = (end // _GROWTH + 1) * _GROWTH
            _write_all(self._file, bytes(grown - self._length), self._length)
            self._length = grown
        _write_all(self._file, data, self._end)
        os.fdatasync(self._file)
        self._end = end

    def read(self) -> list[Batch]:
        """See `BatchJournal`."""
        self._raw = os.pread(self._file, os.fstat(self._file).st_size, 0)
        return list(_decoded(self._raw))

    def secure(self) -> None:
        """See `BatchJournal`."""
        _write_all(self._file, self._raw, 0)
        os.fdatasync(self._file)
        self._raw = b""

    def clear(self) -> None:
        """See `BatchJournal`."""
        _write_all(self._file, bytes(_HEAD), 0)
        os.fdatasync(self._file)
        self._end = 0

    def close(self) -> None:
        """Let another process write the log."""
        os.close(self._file)
        os.close(self._lock)


def begun(folder: Path) -> list[Batch]:
    """Return what the journal in `folder` holds, without the lock: for those who only look."""
    try:
        return list(_decoded((folder / NAME).read_bytes()))
    except FileNotFoundError:
        return []


def _encoded(batch: Batch) -> bytes:
    leaves = bundle(batch.leaves)
    index = json.dumps(
        {
            "old": batch.old.decode(),
            "new": batch.new.decode(),
            "size": batch.size,
            "pack": batch.pack,
            "leaves": len(leaves),
        }
    ).encode()
    body = b"".join((len(index).to_bytes(8, "big"), index, leaves, batch.records))
    return b"".join(
        (_MAGIC, hashlib.sha256(body).digest(), len(body).to_bytes(8, "big"), body),
    )


def _decoded(raw: bytes) -> Iterator[Batch]:
    view, at = memoryview(raw), 0
    newest: bytes | None = None
    while raw.startswith(_MAGIC, at):
        start = at + _HEAD
        end = start + int.from_bytes(view[at + _LENGTH_AT : start], "big")
        digest = view[at + _DIGEST_AT : at + _LENGTH_AT]
        if hashlib.sha256(view[start:end]).digest() != digest:
            return
        leaves = start + 8 + int.from_bytes(view[start : start + 8], "big")
        index = json.loads(bytes(view[start + 8 : leaves]))
        records = leaves + index["leaves"]
        old = index["old"].encode()
        if newest not in {None, old}:
            return
        newest = index["new"].encode()
        yield Batch(
            old=old,
            new=newest,
            size=index["size"],
            pack=index["pack"],
            leaves=tuple(split_bundle(bytes(view[leaves:records]))),
            records=bytes(view[records:end]),
        )
        at = end


def _write_all(file: int, data: bytes, at: int) -> None:
    left = memoryview(data)
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
    _write_all(file, str(os.getpid()).encode(), 0)
    return file
