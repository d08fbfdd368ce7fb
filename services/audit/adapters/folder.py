"""A log's objects as files in a folder of a local disk."""

import ctypes
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from services.audit.tlog.storage import ConflictError, Stored

FOLDER_MODE: Final = 0o700  # a log tells who asked when, if not what
FILE_MODE: Final = 0o600
_TEMPORARY: Final = "local/tmp"


class FolderStorage:
    """A `Storage`. A file is written elsewhere and linked to its place, whole or not at all.

    What was created is made durable by one `syncfs(2)` where the system has it, else by an
    fsync of each file and folder: on ext4 that takes thirty times as long for 32 files. Every
    write of other programs to the same file system is waited for as well, so a busy log should
    lie on a volume of its own.
    """

    is_durable: Final = False

    def __init__(self, folder: Path, *, alone: bool = False) -> None:
        """With `alone` no other process writes here, so what one left half written is removed."""
        self._folder = folder
        self._alone = alone
        self._mine = os.urandom(4).hex()  # two writers must not write one temporary file
        self._written = 0
        self._unsynced: set[Path] = set()
        self._root: int | None = None

    def create(self, *stages: Mapping[str, bytes], repair: bool = False) -> None:
        """See `Storage`."""
        for stage in stages:
            for path, data in stage.items():
                target = self._folder / path
                self._begin(target)
                self._create(target, data, repair=repair)

    def replace(self, path: str, data: bytes, version: str | None) -> str:
        """See `Storage`. Safe from other processes by the lock that a writer holds."""
        current = self.get(path)
        if version != (None if current is None else current.version):
            raise ConflictError(f"{self._folder / path} is not what this process wrote last")
        target = self._folder / path
        self._begin(target)
        temporary = self._temporary(data)
        file = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
        temporary.replace(target)
        return _version(data)

    def sync(self) -> None:
        """See `Storage`."""
        if self._root is None:
            return  # nothing was written
        if _SYNCFS is None:
            folders: set[Path] = set()
            for path in self._unsynced:
                if path.exists():  # else a full tile has replaced it
                    _sync(path, os.O_RDONLY)
                folders.update(p for p in path.parents if p.is_relative_to(self._folder))
            for folder in filter(Path.exists, folders):
                sync_folder(folder)
        elif _SYNCFS(self._root):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(self._folder))
        self._unsynced.clear()

    def get(self, path: str) -> Stored | None:
        """See `Storage`."""
        try:
            data = (self._folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stored(data, _version(data))

    def list(self, prefix: str) -> Iterator[str]:
        """See `Storage`."""
        for folder, _, files in os.walk(self._folder / prefix):
            for name in files:
                yield (Path(folder) / name).relative_to(self._folder).as_posix()

    def prune(self, prefix: str) -> None:
        """See `Storage`."""
        shutil.rmtree(self._folder / prefix, ignore_errors=True)

    def close(self) -> None:
        """See `Storage`."""
        if self._root is not None:
            os.close(self._root)
            self._root = None

    def _create(self, target: Path, data: bytes, *, repair: bool) -> None:
        temporary = self._temporary(data)
        try:
            try:
                os.link(temporary, target)
            except FileNotFoundError:
                _make_parents(target)
                os.link(temporary, target)
        except FileExistsError as error:
            if repair:  # also the same bytes: the cache may hold what the disk never took
                temporary.replace(target)
            elif target.read_bytes() != data:
                raise ConflictError(f"{target} is there already, and is another") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _temporary(self, data: bytes) -> Path:
        self._written += 1
        path = self._folder / _TEMPORARY / f"{self._mine}-{self._written}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            file = os.open(path, flags, FILE_MODE)
        except FileNotFoundError:
            _make_parents(path)
            file = os.open(path, flags, FILE_MODE)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
        finally:
            os.close(file)
        return path

    def _begin(self, target: Path) -> None:
        """Make ready for a `sync` of what is written after this."""
        if self._root is None:
            make_folder(self._folder)
            if self._alone:
                shutil.rmtree(self._folder / _TEMPORARY, ignore_errors=True)
            # Kept open: the kernel reports a failed write once to each descriptor.
            self._root = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        if _SYNCFS is None:
            self._unsynced.add(target)


def make_folder(folder: Path) -> None:
    """Make the folder and those above it so that they outlive a power cut."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(FOLDER_MODE, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_parents(path: Path) -> None:
    """Make the folders above a file; whoever creates it makes them durable."""
    if not path.parent.exists():
        _make_parents(path.parent)
        path.parent.mkdir(FOLDER_MODE, exist_ok=True)


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_SYNCFS = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
