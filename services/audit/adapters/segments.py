"""A log's segments on disk, read batch by batch.

A segment is a file of lines (see `lines`) named after the index of its first entry, with 20
digits. Entries that were written together, the batch, became durable together: a batch whose
end is missing at the end of the last segment was never acknowledged, and is no part of the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from services.audit.adapters.lines import BadLineError, Line, decode
from services.audit.entry import Entry
from services.audit.log import DamagedError


class Mark(NamedTuple):
    """Where a batch begins: index of the segment's first entry, byte there, index of its own."""

    segment: int
    byte: int
    entry: int


BEGINNING: Final = Mark(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that became durable together, in a segment from `mark.byte` up to byte `end`."""

    mark: Mark
    end: int
    lines: tuple[Line, ...]

    @property
    def size(self) -> int:
        """The log's size after the batch."""
        return self.lines[-1].size


def read(folder: Path) -> Iterator[tuple[int, Entry]]:
    """Yield the entries of the log in `folder`, each with its index, checking every line.

    It may be read while it is being written. Raises `DamagedError`.
    """
    for batch in batches(folder):
        for line in batch.lines:
            yield line.index, line.entry


def batches(folder: Path, start: Mark = BEGINNING) -> Iterator[Batch]:
    """Yield the batches of a log from the one at `start` on. Raises `DamagedError`."""
    index = start.entry
    paths = [path for path in segments(folder) if first_index(path) >= start.segment]
    for path in paths:
        first = first_index(path)
        byte = start.byte if first == start.segment else 0
        if first != (start.segment if byte else index):
            raise _damaged(path, 0, f"entries {index} to {first - 1} before it are missing")
        for batch in _batches(path, Mark(first, byte, index), last=path == paths[-1]):
            index = batch.size
            yield batch


def segments(folder: Path) -> list[Path]:
    """Return the segments of a log in order."""
    return sorted(folder.glob("*.jsonl"))


def first_index(segment: Path) -> int:
    """Return the index of the segment's first entry."""
    return int(segment.stem)


def path_of(folder: Path, first: int) -> Path:
    """Return the path of the segment that begins with entry `first`."""
    return folder / f"{first:020d}.jsonl"


def _batches(path: Path, mark: Mark, *, last: bool) -> Iterator[Batch]:
    """Yield one segment's batches. Only the last segment may end in the middle of one."""
    end = mark.byte
    lines: list[Line] = []
    with path.open("rb") as file:
        file.seek(mark.byte)
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            line = _line(path, end, raw, mark.entry + len(lines))
            if lines and line.size != lines[0].size:
                raise _damaged(path, end, "the end of the batch before it is missing")
            lines.append(line)
            end += len(raw)
            if line.index + 1 == line.size:
                yield Batch(mark, end, tuple(lines))
                mark, lines = Mark(mark.segment, end, line.size), []
        torn = bool(lines) or file.tell() > end
    if torn and not last:
        raise _damaged(path, end, "the end of this segment is missing")


def _line(path: Path, byte: int, raw: bytes, index: int) -> Line:
    try:
        line = decode(raw)
    except BadLineError as error:
        raise _damaged(path, byte, f"the line here was changed: {error}") from error
    if line.index != index or line.size <= index:
        raise _damaged(path, byte, f"entry {line.index} stands where entry {index} belongs")
    return line


def _damaged(path: Path, byte: int, what: str) -> DamagedError:
    return DamagedError(
        f"{path} is damaged at byte {byte}: {what}. Nothing was changed. Restore the file from a "
        f"copy, or move the folder {path.parent} away (and keep it: it is evidence) so that a new "
        "log begins"
    )
