"""The objects of one log, as an auditor gets them: read only, wherever they lie.

<log>/checkpoint                      the newest signed checkpoint
<log>/checkpoints/<size>              each checkpoint that was ever published
<log>/tile/<L>/<N>[.p/<W>]            hashes
<log>/tile/entries/<N>[.p/<W>]        entries
<log>/blobs/<N>                       encrypted records, a pack from entry N on
<log>/keys/<…>                        public keys
"""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final, Protocol

from services.audit.adapters.stores import unpublished
from services.audit.tlog.paths import CHECKPOINT

PUBLISHED: Final = ("tile", "blobs", "checkpoints", "keys")
"""The folders whose every object is accounted for. What else lies there is the writer's own."""


class MissingObjectError(LookupError):
    """The log has no object of this name."""


class UnreadableObjectError(Exception):
    """The object is there and could not be read; its message says why."""


class Objects(Protocol):
    """Read access to one log."""

    @property
    def place(self) -> str:
        """Where it lies, for messages."""

    def read(self, name: str) -> bytes:
        """Return an object's bytes. Raises `MissingObjectError`, `UnreadableObjectError`."""

    def names(self) -> Iterator[str]:
        """Yield the name of each object in the published folders."""

    def unfinished(self) -> AbstractSet[str]:
        """Return the names of the objects that the writer is about to add, if it told of any."""


class FolderObjects:
    """A log in a folder, with what was in its writer's journal alone when this was made.

    Those entries are in the log: their checkpoint is signed, and durable. Their objects follow.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unpublished = unpublished(folder)

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises `MissingObjectError`, `UnreadableObjectError`."""
        if name in self._unpublished:
            return self._unpublished[name]
        try:
            return (self._folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingObjectError(name) from error
        except OSError as error:
            raise UnreadableObjectError(f"{name}: {error.strerror}") from error

    def names(self) -> Iterator[str]:
        """Yield the name of each file in the published folders, and of each that will be there."""
        yield from (name for name in self._unpublished if name != CHECKPOINT)
        for top in PUBLISHED:
            yield from (name for name in self._below(top) if name not in self._unpublished)

    def unfinished(self) -> AbstractSet[str]:
        """Return what the writer's journal names."""
        self._unpublished = unpublished(self._folder)  # by now others than at first
        return frozenset(self._unpublished)

    def _below(self, name: str) -> Iterator[str]:
        try:
            with os.scandir(self._folder / name) as entries:
                for entry in entries:
                    path = f"{name}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        yield from self._below(path)
                    else:
                        yield path
        except FileNotFoundError:
            return
