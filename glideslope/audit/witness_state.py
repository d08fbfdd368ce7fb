"""What a witness must not forget: for each log the checkpoint that it cosigned last.

<state>/<origin, percent-encoded>.checkpoint    the newest cosigned checkpoint, to be handed out
<state>/<origin, percent-encoded>.keys          the log's keys, to recognise it by
<state>/refused/<…>                             two checkpoints of one log that do not go together
<state>/lock                                    held by the process that checks and cosigns
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services.audit.tlog.note import BadKeyError, Checkpoint, Note, NoteError, VerifierKey


class WitnessStateError(Exception):
    """The state cannot be read; without it the witness would vouch for anything."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a log: the note that was cosigned, when, and the log's keys."""

    note: Note
    at: int
    keys: tuple[VerifierKey, ...]

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the note."""
        return Checkpoint.parse(self.note.text)


class WitnessState:
    """A witness's memory in a folder. Only the process in `locked` compares and saves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from cosigning meanwhile: of two, one would not see the other."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def load(self, origin: str) -> Known | None:
        """Return what is known of a log, None where it is a new one. Raises `WitnessStateError`."""
        path = self._path(origin, "checkpoint")
        try:
            note = Note.parse(path.read_bytes())
            lines = self._path(origin, "keys").read_text().splitlines()
            at = int.from_bytes(note.signatures[-1].blob[:8], "big")
            return Known(note, at, tuple(VerifierKey.parse(line) for line in lines))
        except FileNotFoundError as error:
            if not path.exists():
                return None
            raise self._damaged(path, error) from error
        except (BadKeyError, NoteError, OSError, UnicodeDecodeError) as error:
            raise self._damaged(path, error) from error

    def save(self, origin: str, known: Known) -> None:
        """Remember it durably; a process that dies meanwhile leaves what was there before."""
        keys = "".join(f"{key}\n" for key in known.keys).encode()
        _replace(self._path(origin, "keys"), keys)
        _replace(self._path(origin, "checkpoint"), bytes(known.note))

    def keep_refused(self, cosigned: Note, refused: Note) -> Path:
        """Keep two checkpoints that do not go together: the log signed both."""
        both = bytes(cosigned) + b"\n" + bytes(refused)
        name = hashlib.sha256(cosigned.text.encode() + refused.text.encode()).hexdigest()[:16]
        path = self._folder / "refused" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, both)
        return path

    def _path(self, origin: str, ending: str) -> Path:
        return self._folder / f"{quote(origin, safe='')}.{ending}"

    def _damaged(self, path: Path, error: Exception) -> WitnessStateError:
        return WitnessStateError(
            f"what this witness remembers in {path} cannot be read ({error!r}): restore it from a "
            "copy. To begin anew, move it and the file of keys away; what changed since stays "
            "unseen"
        )


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
