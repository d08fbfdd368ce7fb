"""The objects of one log, as an auditor gets them: read only, wherever they lie.

<log>/checkpoint                      the newest signed checkpoint
<log>/checkpoints/<size>              each checkpoint that was ever published
<log>/tile/<L>/<N>[.p/<W>]            hashes
<log>/tile/entries/<N>[.p/<W>]        entries
<log>/blobs/<N>                       encrypted records, a pack from entry N on
<log>/keys/<…>                        public keys
<log>/cosignatures/<key id>           the newest checkpoint that a witness cosigned
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final, Protocol

from glideslope.audit.findings import Finding
from services.audit.adapters.stores import unpublished
from services.audit.tlog.note import Checkpoint, Note, NoteError
from services.audit.tlog.paths import CHECKPOINT

PUBLISHED: Final = ("tile", "blobs", "checkpoints", "keys")
"""The folders whose every object is accounted for. What else lies there is the writer's own."""
COSIGNATURES: Final = "cosignatures"


class MissingObjectError(LookupError):
    """The log has no object of this name."""


class UnreadableObjectError(Exception):
    """The object is there and could not be read; its message says why."""


class Objects(Protocol):
    """Read access to one log. Can be sent to another process, as it is then."""

    @property
    def place(self) -> str:
        """Where it lies, for messages."""

    def read(self, name: str) -> bytes:
        """Return an object's bytes. Raises `MissingObjectError`, `UnreadableObjectError`."""

    def names(self) -> Iterator[str]:
        """Yield the name of each object in the published folders."""

    def unfinished(self) -> AbstractSet[str]:
        """Return the names of the objects that the writer is about to add, if it told of any."""

    def cosignatures(self) -> Iterator[str]:
        """Yield the name of each checkpoint that a witness left beside the log."""

    def ahead(self, names: Iterable[str]) -> None:
        """Hear which objects will be read next, in this order, to fetch them meanwhile."""

    def versions(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield the earlier versions of an object, oldest first, each with a name of its own."""

    def noted(self) -> Mapping[str, Any]:
        """Return what was noted of the objects that were read since this was asked last."""

    def note(self, noted: Mapping[str, Any]) -> None:
        """Take in what another process noted."""

    def findings(self) -> Iterator[Finding]:
        """Say, after the reading, what the storage itself tells of what was done to objects."""

    def remarks(self) -> Iterator[str]:
        """Say what an auditor should know of the storage, which is no fault of the log."""

    def close(self) -> None:
        """Let go of what is open."""


class PlainObjects:
    """What a storage has to say that is quick and keeps nothing but the objects: nothing."""

    def unfinished(self) -> AbstractSet[str]:
        """See `Objects`."""
        return frozenset()

    def ahead(self, names: Iterable[str]) -> None:
        """See `Objects`."""

    def versions(self, name: str) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002 - the port has it
        """See `Objects`."""
        yield from ()

    def noted(self) -> Mapping[str, Any]:
        """See `Objects`."""
        return {}

    def note(self, noted: Mapping[str, Any]) -> None:
        """See `Objects`."""

    def findings(self) -> Iterator[Finding]:
        """See `Objects`."""
        yield from ()

    def remarks(self) -> Iterator[str]:
        """See `Objects`."""
        yield from ()

    def close(self) -> None:
        """See `Objects`."""


class FolderObjects(PlainObjects):
    """A log in a folder, with what was in its writer's journal alone when this was made.

    Those entries are in the log: their checkpoint is signed, and durable. Their objects follow.
    With `published` they are left out, as others do not see them yet.
    """

    def __init__(self, folder: Path, *, published: bool = False) -> None:
        self._folder = folder
        self._unpublished = {} if published else unpublished(folder)

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises `MissingObjectError`, `UnreadableObjectError`.

        The checkpoint is never older than one that `names` gave: if the writer has published what
        the journal had, and gone on, the folder alone is the log.
        """
        if name == CHECKPOINT and self._is_overtaken():
            self._unpublished = {}
        if name in self._unpublished:
            return self._unpublished[name]
        try:
            return (self._folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingObjectError(name) from error
        except OSError as error:
            raise UnreadableObjectError(f"{name}: {error.strerror}") from error

    def _is_overtaken(self) -> bool:
        """Whether the folder's checkpoint is of the size of the journal's, or of a larger one."""
        if CHECKPOINT not in self._unpublished:
            return False
        try:
            published = _size((self._folder / CHECKPOINT).read_bytes())
        except (OSError, NoteError):  # none yet, or none that can be read: the journal's counts
            return False
        return published >= _size(self._unpublished[CHECKPOINT])

    def names(self) -> Iterator[str]:
        """Yield the name of each file in the published folders, and of each that will be there."""
        yield from (name for name in self._unpublished if name != CHECKPOINT)
        for top in PUBLISHED:
            yield from (name for name in self._below(top) if name not in self._unpublished)

    def unfinished(self) -> AbstractSet[str]:
        """Return what the writer's journal names."""
        self._unpublished = unpublished(self._folder)  # by now others than at first
        return frozenset(self._unpublished)

    def cosignatures(self) -> Iterator[str]:
        """Yield the files that witnesses left."""
        yield from (name for name in self._below(COSIGNATURES) if not name.endswith(".new"))

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


def _size(checkpoint: bytes) -> int:
    return Checkpoint.parse(Note.parse(checkpoint).text).size
