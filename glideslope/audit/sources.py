"""Where on Kafka the entries' records stood: each once, in order, and which have no entry.

A writer takes the records of a partition in the order of their offsets, and each entry says which
offset was logged before it. Offsets without an entry are ordinary: every transaction leaves a
marker in each partition it wrote to, aborted records are never delivered, and compaction removes.
A log cannot tell those from a record that was never logged; Kafka can (see `gaps`), so they are
counted.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from glideslope.audit.findings import Problem


class Stream(NamedTuple):
    """One partition of one topic of one cluster."""

    cluster: str
    topic: str
    partition: int


@dataclass(slots=True)
class Seen:
    """The offsets of a stream that have an entry.

    `last` is the highest, `latest` that of the entry that was logged last, and `newest` the highest
    timestamp. `gaps` are ranges without, ends included; `before` counts the offsets without an
    entry of a topic of the same name that was deleted; `passed_over` says how many entries had
    been passed over by then.
    """

    first: int
    last: int
    newest: int
    latest: int
    entries: int = 1
    late: int = 0
    begun_anew: int = 0
    before: int = 0
    passed_over: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def without_entry(self) -> int:
        """How many offsets between the first and the last have no entry."""
        return self.before + sum(end - start + 1 for start, end in self.gaps)


class Sources:
    """Takes the leaves of a log in order."""

    def __init__(self) -> None:
        self.streams: dict[Stream, Seen] = {}
        self._passed_over = 0

    def pass_over(self) -> None:
        """Take note that entries were passed over, of whichever partitions."""
        self._passed_over += 1

    def add(
        self, stream: Stream, offset: int, previous: int | None, timestamp: int
    ) -> tuple[Problem, str] | None:
        """Take in what a leaf says; return what is wrong with its place, if anything is."""
        seen = self.streams.get(stream)
        before = None if seen is None else seen.latest
        known = (0 if seen is None else seen.passed_over) == self._passed_over
        wrong = self._place(stream, offset, timestamp, seen)
        if known and previous != before:
            what = f"it says that offset {previous} was logged before it, and {before} was"
            return Problem.LEAF, what
        return wrong

    def _place(
        self, stream: Stream, offset: int, timestamp: int, seen: Seen | None
    ) -> tuple[Problem, str] | None:
        record = f"record {stream.topic}-{stream.partition}-{offset}"
        if seen is None:
            self.streams[stream] = Seen(
                offset, offset, timestamp, offset, passed_over=self._passed_over
            )
            return None
        seen.entries += 1
        seen.passed_over = self._passed_over
        late = Problem.ORDER, f"{record} was logged after {seen.latest} of its partition"
        seen.latest = offset
        if offset > seen.last:
            if offset > seen.last + 1:
                seen.gaps.append((seen.last + 1, offset - 1))
            seen.last = offset
        elif _fill(seen.gaps, offset):
            seen.late += 1
            return late
        elif offset < seen.first and timestamp <= seen.newest:
            seen.gaps.insert(0, (offset + 1, seen.first - 1))
            seen.gaps = [gap for gap in seen.gaps if gap[0] <= gap[1]]
            seen.first = offset
            seen.late += 1
            return late
        elif timestamp > seen.newest:
            # A topic that was deleted and created anew begins again at 0, and later.
            seen.begun_anew += 1
            seen.before = seen.without_entry
            seen.first = seen.last = offset
            seen.gaps.clear()
        else:
            return Problem.DOUBLED, f"a second entry for {record}"
        seen.newest = max(seen.newest, timestamp)
        return None


def _fill(gaps: list[tuple[int, int]], offset: int) -> bool:
    """Take an offset out of the gap that it is in; say whether it was in one."""
    place = bisect_right(gaps, offset, key=lambda gap: gap[0]) - 1
    if place < 0 or gaps[place][1] < offset:
        return False
    start, end = gaps[place]
    gaps[place : place + 1] = [
        gap for gap in ((start, offset - 1), (offset + 1, end)) if gap[0] <= gap[1]
    ]
    return True
