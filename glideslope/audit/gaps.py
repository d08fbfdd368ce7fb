"""What lay at the offsets of which a log has no entry: Kafka tells, while it keeps the topic.

Of each such offset one of these is said:

    marker      the end of a transaction, which every one leaves in each partition it wrote to
    aborted     a record of a transaction that was aborted: no consumer is given it
    compacted   nothing any more, in a topic from which compaction removes
    removed     before the partition's first offset: retention, or somebody, deleted what was there
    missing     a committed record, which every consumer is given. It was not logged
    unknown     it cannot be told, and why

The first four explain a gap. (Of `removed` nobody can say any more what it was: ask before the
topic's retention runs out.)
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from glideslope.audit.sources import Seen, Stream
from glideslope.batches import Batch, Kind, StoredRecord
from services.audit.tlog.leaf import KEY_EVENTS

NAMED_AT_MOST: Final = 1_000
"""How many missing records of a partition are named; the rest are counted."""

Range = tuple[int, int]
"""Offsets from the first to the last, both included."""


class Partition(Protocol):
    """One partition of a topic, as the cluster has it."""

    async def bounds(self) -> Range:
        """Return the first offset that is kept, and the first that is not committed or aborted."""

    async def fetch(self, offset: int) -> Sequence[Batch]:
        """Return some batches, from the one on that holds `offset` or comes after it."""

    async def is_compacted(self) -> bool:
        """Say whether compaction removes from the topic."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A committed record of which the log has no entry, as it names itself."""

    offset: int
    timestamp: int
    event_id: str | None
    type: str | None


@dataclass(slots=True)
class Explanation:
    """What was at the offsets without an entry: how many of each. `why` is of the unknown ones."""

    marker: int = 0
    aborted: int = 0
    compacted: int = 0
    removed: int = 0
    missing: int = 0
    unknown: int = 0
    why: str | None = None
    named: list[Missing] = field(default_factory=list)

    @property
    def without_entry(self) -> int:
        """How many offsets this is about."""
        return (
            self.marker + self.aborted + self.compacted + self.removed + self.missing + self.unknown
        )

    def unknowable(self, count: int, why: str) -> None:
        """Count offsets of which it cannot be told what was there."""
        if count:
            self.unknown += count
            self.why = self.why or why


class Gaps:
    """Ranges of offsets without an entry, in order."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._ranges = [each for each in ranges if each[0] <= each[1]]

    def within(self, first: int, last: int) -> Iterator[Range]:
        """Yield what of them lies from `first` to `last`."""
        place = bisect_left(self._ranges, first, key=lambda each: each[1])
        while place < len(self._ranges) and self._ranges[place][0] <= last:
            start, end = self._ranges[place]
            yield max(start, first), min(end, last)
            place += 1

    def count(self, first: int, last: int) -> int:
        """Return how many offsets of them lie from `first` to `last`."""
        return sum(end - start + 1 for start, end in self.within(first, last))

    def next(self, offset: int) -> int | None:
        """Return the first offset of them from `offset` on, None after the last."""
        place = bisect_left(self._ranges, offset, key=lambda each: each[1])
        return None if place == len(self._ranges) else max(self._ranges[place][0], offset)

    @property
    def end(self) -> int:
        """The last offset of them, -1 where there is none."""
        return self._ranges[-1][1] if self._ranges else -1


def gaps_of(seen: Seen | None, passed: int) -> list[Range]:
    """Return the offsets of a partition without an entry.

    From the first offset there can be to the last entry, and on to `passed`: the first offset that
    audit has not passed, as far as the log must have what it passed.
    """
    if seen is None:
        return [(0, passed - 1)] if passed > 0 else []
    ranges = [(0, seen.first - 1), *seen.gaps, (seen.last + 1, passed - 1)]
    return [each for each in ranges if each[0] <= each[1]]


async def explain(seen: Seen | None, passed: int, partition: Partition) -> Explanation:
    """Say what lies at the offsets of a partition of which a log has no entry; see `gaps_of`."""
    said = Explanation()
    if seen is not None:
        said.unknowable(seen.before, "they are of a topic of the same name that was deleted")
    gaps = Gaps(gaps_of(seen, passed))
    if gaps.end < 0:
        return said
    start, end = await partition.bounds()
    said.removed = gaps.count(0, start - 1)
    said.unknowable(
        gaps.count(max(start, end), gaps.end),
        "the partition ends before: the topic was deleted and made anew, or a transaction is open",
    )
    absent = gaps.count(start, end - 1)
    at = gaps.next(start)
    while at is not None and at < end:
        batches = await partition.fetch(at)
        if not batches:
            break
        for batch in batches:
            absent -= _take(said, batch, max(batch.first, start), gaps, seen)
        at = gaps.next(batches[-1].last + 1)
    if absent and await partition.is_compacted():
        said.compacted += absent
    else:
        said.unknowable(absent, "nothing is there, and the topic is not compacted")
    return said


def unreachable(seen: Seen, why: str) -> Explanation:
    """Say of all offsets without an entry that it cannot be told what was there."""
    said = Explanation()
    said.unknowable(seen.before, why)
    said.unknowable(sum(last - first + 1 for first, last in gaps_of(seen, 0)), why)
    return said


def of_key_events(seen: Seen) -> Explanation:
    """Say what is missing of what happened to keys: the key store numbers it without gaps."""
    count = sum(last - first + 1 for first, last in gaps_of(seen, 0))
    return Explanation(missing=seen.before + count)


def is_of_keys(stream: Stream) -> bool:
    """Whether the stream is no partition of Kafka, but what happened to keys."""
    return stream.topic == KEY_EVENTS


def _take(said: Explanation, batch: Batch, first: int, gaps: Gaps, seen: Seen | None) -> int:
    """Count a batch's offsets without an entry from `first` on; return how many it explains."""
    count = gaps.count(first, batch.last)
    if not count:
        return 0
    if batch.kind is Kind.MARKER:
        said.marker += count
        return count
    if batch.kind is Kind.ABORTED:
        said.aborted += count
        return count
    told = 0
    for record in batch.records:
        if record.offset >= first and gaps.count(record.offset, record.offset):
            told += 1
            _miss(said, record, seen)
    return told


def _miss(said: Explanation, record: StoredRecord, seen: Seen | None) -> None:
    if seen is not None and record.offset < seen.last and record.timestamp > seen.newest:
        why = "the topic was deleted and made anew, and audit has not logged it so far"
        said.unknowable(1, why)
        return
    said.missing += 1
    if len(said.named) < NAMED_AT_MOST:
        headers: Mapping[str, bytes | None] = dict(record.headers)
        said.named.append(
            Missing(
                record.offset,
                record.timestamp,
                _text(headers.get("ce_id")),
                _text(headers.get("ce_type")),
            )
        )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="backslashreplace")
