"""How far a partition is: the watermark, and what is completed beyond it.

Records complete out of order, so one slow record must not hold back what is committed after it.
A commit therefore carries two things: the watermark (the offset before which everything is
completed) as the committed offset, and the completed ranges beyond it, encoded in the commit's
metadata. A restart repeats only what had not committed.

Encoding, version 1. The range from the watermark to the last completed offset is cut into runs
that alternate between open (not completed; the first one always is) and completed:

    `1r:` base64 of the run lengths as unsigned LEB128 numbers, or
    `1b:` base64 of a bitmap, least significant bit first, 1 for completed,

whichever is shorter. Nothing completed beyond the watermark is the empty string. Offsets that
hold no record (transaction markers, compaction) count as completed.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from operator import eq
from typing import Final

METADATA_MAX: Final = 4096
"""Bytes of offset metadata that a broker takes by default (`offset.metadata.max.bytes`)."""

_RUNS: Final = "1r:"
_BITMAP: Final = "1b:"

Range = tuple[int, int]  # first offset, offset after the last


class MetadataError(ValueError):
    """Commit metadata that this version cannot read."""

    def __init__(self, metadata: str) -> None:
        super().__init__(
            f"offset metadata {metadata[:40]!r} is not ours or is newer than this version: run "
            "the version that wrote it, or reset the group's offsets knowing what is repeated"
        )


class Progress:
    """Tracks which taken offsets of one partition are completed.

    Starts from what was committed: `position` and `metadata`, the latter empty for a partition
    without anything completed beyond. Raises `MetadataError` when it cannot be read.
    """

    def __init__(self, position: int, metadata: str = "") -> None:
        self._next = position
        self._open: dict[int, None] = {}  # ordered: offsets are taken in ascending order
        self._restored = list(_open_ranges(position, decode(metadata)))
        self._restored_firsts = [first for first, _ in self._restored]
        self._last_completed = position + sum(decode(metadata)) - 1

    @property
    def position(self) -> int:
        """The watermark: offset of the first record not completed, or of the next to come."""
        first, _ = next(self._not_completed(()), (max(self._next, self._last_completed + 1), 0))
        return first

    @property
    def open(self) -> int:
        """How many taken records are not completed."""
        return len(self._open)

    def take(self, offset: int) -> bool:
        """Note that a record was fetched; True if it is to be handled.

        False for one that was taken before, or completed before a restart.
        """
        if offset < self._next:
            return False
        if offset <= self._last_completed and not self._in_restored(offset):
            self._next = offset + 1
            return False
        self._next = offset + 1
        self._open[offset] = None
        return True

    def complete(self, offsets: Collection[int]) -> None:
        """Note that the records at these offsets need no more work."""
        for offset in offsets:
            del self._open[offset]
        self._last_completed = max(self._last_completed, max(offsets, default=-1))

    def metadata(self) -> str:
        """Return what is completed beyond the watermark, encoded as the module describes."""
        return encode(self._runs(()))

    def fitting(self, finished: Collection[int], limit: int = METADATA_MAX) -> list[int]:
        """Return those of the finished offsets that one commit can complete, lowest first.

        All of them, unless the metadata would grow over `limit` bytes. The record at the
        watermark can always be completed, so a partition that waits for room does get on.
        """
        ordered = sorted(finished)
        if self._are_first(ordered):
            return ordered
        low, high = 0, len(ordered)
        middle = high
        while low < high:
            if len(encode(self._runs(frozenset(ordered[:middle])))) <= limit:
                low = middle
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
        return ordered[:low]

    def _are_first(self, offsets: Sequence[int]) -> bool:
        """Whether these leave nothing open below them, as where no record is slow.

        Nothing is completed beyond the watermark then, and the metadata says nothing.
        """
        return (
            bool(offsets)
            and offsets[-1] >= self._last_completed
            and all(map(eq, offsets, self._open))
        )

    def _in_restored(self, offset: int) -> bool:
        """Whether `offset` was open when the process that we continue committed last."""
        index = bisect_right(self._restored_firsts, offset) - 1
        return index >= 0 and offset < self._restored[index][1]

    def _not_completed(self, completing: Collection[int]) -> Iterator[Range]:
        """Ranges without a completed record, ascending; those from before a restart come last."""
        for offset in self._open:
            if offset not in completing:
                yield offset, offset + 1
        for first, after in self._restored:
            if after > self._next:
                yield max(first, self._next), after

    def _runs(self, completing: Collection[int]) -> list[int]:
        """Lengths of the alternating runs, open first, from the watermark to the last completed."""
        last = max(self._last_completed, max(completing, default=-1))
        runs: list[int] = []
        cursor: int | None = None
        for first, after in self._not_completed(completing):
            if first > last:
                break
            if cursor == first:
                runs[-1] += after - first
            else:
                if cursor is not None:
                    runs.append(first - cursor)
                runs.append(after - first)
            cursor = after
        if cursor is not None and cursor <= last:
            runs.append(last + 1 - cursor)
        return runs[: len(runs) - len(runs) % 2]


def encode(runs: Sequence[int]) -> str:
    """Encode alternating run lengths, open first, as commit metadata."""
    if not runs:
        return ""
    as_runs = b"".join(map(_leb128, runs))
    as_bitmap = None if (sum(runs) + 7) // 8 >= len(as_runs) else _bitmap(runs)
    if as_bitmap is not None:
        return _BITMAP + base64.b64encode(as_bitmap).decode()
    return _RUNS + base64.b64encode(as_runs).decode()


def decode(metadata: str) -> list[int]:
    """Return the run lengths that `encode` was given. Raises `MetadataError`."""
    if not metadata:
        return []
    kind, body = metadata[: len(_RUNS)], metadata[len(_RUNS) :]
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MetadataError(metadata) from error
    if kind == _BITMAP:
        return _runs_of_bitmap(raw)
    if kind != _RUNS or not raw or raw[-1] & 0x80:
        raise MetadataError(metadata)
    return _runs_of_leb128(raw)


def _open_ranges(position: int, runs: Sequence[int]) -> Iterator[Range]:
    cursor = position
    for index, length in enumerate(runs):
        if index % 2 == 0:
            yield cursor, cursor + length
        cursor += length


def _bitmap(runs: Sequence[int]) -> bytes:
    bits = 0
    cursor = 0
    for index, length in enumerate(runs):
        if index % 2 == 1:
            bits |= ((1 << length) - 1) << cursor
        cursor += length
    return bits.to_bytes((cursor + 7) // 8, "little")


def _runs_of_bitmap(raw: bytes) -> list[int]:
    bits = int.from_bytes(raw, "little")
    runs: list[int] = []
    completed = False
    while bits:
        run = (bits ^ (bits + 1)).bit_length() - 1 if completed else (bits & -bits).bit_length() - 1
        runs.append(run)
        bits >>= run
        completed = not completed
    return runs


def _leb128(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _runs_of_leb128(raw: bytes) -> list[int]:
    runs: list[int] = []
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            runs.append(number)
            number = shift = 0
    return runs
