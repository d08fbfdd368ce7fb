"""A log in a folder of the local disk: segments of JSON lines, a lock, and derived state.

<home>/audit/<partition>/
    00000000000000000000.jsonl    a segment, named after its first entry; see `lines`
    lock                          held by the one process that writes; its process id is inside
    derived-1.sqlite              for look-up; may be deleted while no process writes
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import structlog

from services.audit.adapters.derived import NAME, Derived
from services.audit.adapters.lines import Line, encode
from services.audit.adapters.segments import BEGINNING, Batch, Mark, batches, path_of, segments
from services.audit.entry import Entry, Position
from services.audit.log import (
    Appended,
    DamagedError,
    LockedError,
    LogError,
    OtherOriginError,
    WriteFailedError,
)
from shared.events import Receipt

_FOLDER_MODE: Final = 0o700  # a log holds everything that was asked and answered
_FILE_MODE: Final = 0o600

log = structlog.get_logger(__name__)


class FileStore:
    """A `Store`: every batch is one write and one fsync. Raises `LogError` if it cannot be opened.

    After a failed write or fsync nobody knows what the disk holds (the page cache may claim to be
    clean), so the store takes no more; opening it again sorts it out.
    """

    def __init__(self, folder: Path, origin: str, *, segment_bytes: int = 64 * 1024 * 1024) -> None:
        self._folder = folder
        self._origin = origin
        self._segment_bytes = segment_bytes
        self._failure: str | None = None
        try:
            with contextlib.ExitStack() as undo:
                self._open(undo)
                self._closing = undo.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise LogError(
                f"the audit log in {folder} could not be opened: {error!r}. Mend the disk (space, "
                "permissions, health) and start audit again"
            ) from error

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Return once all entries are durable, with what each one got when it first came.

        Raises `WriteFailedError`.
        """
        if self._failure is not None:
            raise WriteFailedError(self._failure)
        try:
            self._write(entries)
            return [self._appended(entry) for entry in entries]
        except Exception as error:
            # Whatever it is: an entry that is not in the log must stop the service.
            self._failure = (
                f"the audit log in {self._folder} could not be written: {error!r}. No record is "
                "lost: mend the disk (space, permissions, health) and start audit again"
            )
            raise WriteFailedError(self._failure) from error

    def close(self) -> None:
        """Close all files and give the lock back."""
        self._closing.close()

    # ── opening ───────────────────────────────────────────────────────────────────────────────

    def _open(self, undo: contextlib.ExitStack) -> None:
        _make_folder(self._folder)
        undo.callback(os.close, _lock(self._folder / "lock"))
        self._derived = Derived.open(self._folder)
        undo.callback(self._derived.close)
        self._segment = self._end = self._size = 0
        self._file: int | None = None
        undo.callback(self._close_segment)
        self._derived.add(self._durable())

    def _durable(self) -> Iterator[Batch]:
        """Yield the newest batch that derived state knows and all after it; end when durable."""
        known = self._derived.newest()
        newest: Batch | None = None
        for newest in batches(self._folder, known or BEGINNING):
            self._check_origin(newest)
            yield newest
        if known is not None and newest is None:
            raise DamagedError(
                f"the log in {self._folder} ends before entry {known.entry}, which it once held. "
                "Nothing was changed. Restore its newest segment from a copy; to go on without "
                f"what is missing, delete {NAME} there"
            )
        self._settle(newest)

    def _check_origin(self, batch: Batch) -> None:
        for line in batch.lines:
            if line.origin != self._origin:
                raise OtherOriginError(
                    f"the log in {self._folder} is that of {line.origin}, not of {self._origin}: "
                    "set GLIDESLOPE_DEPLOYMENT or GLIDESLOPE_HOME to what they were"
                )

    def _settle(self, newest: Batch | None) -> None:
        """Cut off what was never acknowledged, and make sure that all the rest is durable."""
        paths = segments(self._folder)
        if not paths:
            return
        self._segment = int(paths[-1].stem)
        if newest is not None:
            self._size = newest.size
            self._end = newest.end if newest.mark.segment == self._segment else 0
        self._file = os.open(paths[-1], os.O_RDWR)
        torn = os.fstat(self._file).st_size - self._end
        if torn:
            log.warning("cut off a torn batch", segment=str(paths[-1]), at=self._end, bytes=torn)
            os.ftruncate(self._file, self._end)
        if newest is not None and self._end:
            # The writer may have died, or failed, before its last fsync was done. To write the
            # same bytes again makes the pages dirty, without which fsync need not do anything.
            data = os.pread(self._file, newest.end - newest.mark.byte, newest.mark.byte)
            _write_all(self._file, data, newest.mark.byte)
        os.fsync(self._file)
        _sync_folder(self._folder)

    # ── appending ─────────────────────────────────────────────────────────────────────────────

    def _write(self, entries: Sequence[Entry]) -> None:
        new: dict[Position, Entry] = {}
        for entry in entries:
            if self._derived.place(entry.position) is None:
                new.setdefault(entry.position, entry)
        if not new:
            return
        size = self._size + len(new)
        lines = tuple(
            Line(self._origin, index, size, entry)
            for index, entry in enumerate(new.values(), self._size)
        )
        data = b"".join(encode(line) for line in lines)
        file = self._file_for_next()
        _write_all(file, data, self._end)
        os.fsync(file)
        mark = Mark(self._segment, self._end, self._size)
        self._end += len(data)
        self._size = size
        self._derived.add([Batch(mark, self._end, lines)])

    def _appended(self, entry: Entry) -> Appended:
        place = self._derived.place(entry.position)
        if place is None:
            raise LogError(f"{entry.position} was written and is not there")
        index, size = place
        return Appended(
            Receipt(origin=self._origin, index=index, size=size),
            decides=entry.decides is not None and self._derived.end(entry.decides) == index,
        )

    def _file_for_next(self) -> int:
        """Return the segment that the next batch belongs into, a new one if the last is full."""
        if self._file is None or self._end >= self._segment_bytes:
            self._close_segment()
            self._segment, self._end = self._size, 0
            self._file = os.open(
                path_of(self._folder, self._size), os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE
            )
            _sync_folder(self._folder)
        return self._file

    def _close_segment(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _write_all(file: int, data: bytes, at: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(file, left, at)
        left, at = left[written:], at + written


def _make_folder(folder: Path) -> None:
    """Make the folder and those above it so that they outlive a power cut."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Return the locked file; closing it, or the end of the process, gives the lock back."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(file, 32, 0).decode(errors="replace")
        os.close(file)
        raise LockedError(
            f"process {owner} writes the audit log in {path.parent}: stop it, or give this one a "
            "GLIDESLOPE_HOME of its own"
        ) from error
    os.ftruncate(file, 0)
    _write_all(file, str(os.getpid()).encode(), 0)
    return file
