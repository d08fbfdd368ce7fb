"""The whole check of one log, offline.

What is checked is listed in docs/audit.md, with what each finding means.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from glideslope.audit.bundles import Span
from glideslope.audit.checkpoints import Checkpoints, claimed_origin, read_checkpoints
from glideslope.audit.findings import Finding, Problem, Verdict, verdict
from glideslope.audit.leftovers import judge_leftovers
from glideslope.audit.memory import Memory, Remembered
from glideslope.audit.objects import Objects
from glideslope.audit.opening import Opened
from glideslope.audit.repeats import Repeats
from glideslope.audit.roots import Anchor
from glideslope.audit.slices import Part, SliceCheck
from glideslope.audit.sources import Seen, Sources, Stream
from glideslope.audit.tree import BUNDLES_AT_ONCE, TreeCheck
from glideslope.audit.witnesses import Cosigned, Witnesses, read_vouched
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.note import VerifierKey
from services.audit.tlog.paths import BLOBS, CHECKPOINT, CHECKPOINTS

Progress = Callable[[int, int], None]
"""Is told how many entries of how many are done."""

Spread = Callable[[Objects, str, Sequence[Span], Callable[[Span], Part]], Iterator[Part]]
"""Checks spans of the log of this origin elsewhere, and gives what they come to, in order. Is told
how one is checked here."""


@dataclass(slots=True)
class Report:
    """What the check of one log came to."""

    place: str
    origin: str | None = None
    size: int = 0
    root: bytes = b""
    keys: tuple[VerifierKey, ...] = ()
    pinned: bool = False
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    blobs: int = 0
    decrypted: int | None = None
    shredded: int | None = None
    checkpoints: int = 0
    cosigned: Mapping[str, Cosigned] = field(default_factory=dict)
    streams: Mapping[Stream, Seen] = field(default_factory=dict)
    repeated_events: int = 0
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        return verdict(self.findings)


class Verification:
    """One check of one log.

    `keys` are those that the auditor was given. Without a log's key among them the ones in the
    log itself are believed: only a remembered checkpoint then shows a log that was made anew.
    `memory` is what the auditor knows from before, `witnesses` whom else they believe. With a
    `key_reader` every record is decrypted whose key is there; without `records` none is even read.
    The entries are checked `bundles` at a time, by `spread` where it is given. Memory: 8 bytes for
    each event's id, some hundreds for each object and for each gap in a partition's offsets.
    """

    def __init__(  # noqa: PLR0913 - what an auditor may know beforehand
        self,
        objects: Objects,
        *,
        keys: Sequence[VerifierKey] = (),
        memory: Memory | None = None,
        witnesses: Witnesses | None = None,
        key_reader: KeyReader | None = None,
        records: bool = True,
        progress: Progress | None = None,
        spread: Spread | None = None,
        bundles: int = BUNDLES_AT_ONCE,
    ) -> None:
        self._objects = objects
        self._keys = keys
        self._memory = memory or {}
        self._witnesses = witnesses or Witnesses()
        self._key_reader = key_reader if records else None
        self._records = records
        self._progress = progress or (lambda _done, _all: None)
        self._spread = spread
        self._bundles = bundles
        self._names: set[str] = set()
        self._expected: set[str] = set()
        self._sources = Sources()
        self._next = 0
        self._of_packs: list[Finding] = []
        self._opened = Opened()
        self._events = Repeats()
        self.report = Report(objects.place)

    def run(self) -> Report:
        """Check everything."""
        started = time.monotonic()
        self._names = set(self._objects.names())
        remembered = self._memory.get(claimed_origin(self._objects))
        keys = self._keys or (() if remembered is None else remembered.keys)
        read = read_checkpoints(self._objects, self._names, keys)
        report = self.report
        report.findings += read.findings
        report.keys = read.keys
        report.pinned = bool(keys)
        report.checkpoints = len(read.archived)
        self._expected |= read.expected
        if read.newest is not None:
            report.origin, report.size = read.newest.origin, read.newest.size
            report.root = read.newest.root
            self._check_entries(read, remembered)
            if self._key_reader is not None:
                self._find(*self._opened.findings(self._key_reader))
                report.decrypted = self._opened.opened
                report.shredded = self._opened.shredded
            left = self._names - self._expected
            if (
                not self._records or report.entries < report.size
            ):  # nobody can tell whose the blobs of the others are
                left = {name for name in left if not name.startswith(BLOBS)}
            self._find(*judge_leftovers(self._objects, left, report.size))
        self._find(*self._objects.findings())
        report.remarks += self._objects.remarks()
        report.streams = self._sources.streams
        report.repeated_events = self._events.count()
        report.seconds = time.monotonic() - started
        return report

    def _check_entries(self, read: Checkpoints, remembered: Remembered | None) -> None:
        size = self.report.size
        anchors = list(read.valid)
        if read.newest is not None:
            vouched = read_vouched(self._objects, read.note, self._witnesses, read.newest)
            self.report.cosigned = vouched.newest
            self._find(*vouched.findings)
            anchors += vouched.anchors
        if remembered is not None:
            self._find(*_compare(remembered, read, size))
            if remembered.size <= size:
                anchors.append(Anchor(remembered.size, remembered.root, CHECKPOINT, Problem.FORK))
        tree = TreeCheck(self._objects, anchors, self._names)
        origin = "" if read.newest is None else read.newest.origin
        for part in self._parts(tree, origin):
            tree.take(part.stretches)
            tree.findings += part.of_bundles
            self._take(part)
            self._progress(part.end, size)
        tree.finish()
        self._progress(size, size)
        self._find(*tree.findings, *self._of_packs)
        self._expected |= tree.expected

    def _parts(self, tree: TreeCheck, origin: str) -> Iterator[Part]:
        """Yield what the slices of the log come to, each after the one before was taken in."""
        check = SliceCheck(self._objects, origin, self._key_reader, records=self._records)
        spans = list(tree.spans(self._bundles))
        if self._spread is None:
            yield from map(check.run, spans)
        else:
            yield from self._spread(self._objects, origin, spans, check.run)
        rest = tree.rest()
        if rest is not None:
            yield check.run(rest, tree.is_root)

    def _take(self, part: Part) -> None:
        self.report.entries += len(part.rows)
        self.report.blobs += part.records
        self._of_packs += part.of_packs
        self._expected |= part.expected
        self._opened.add(part.opened)
        self._objects.note(part.noted)
        found = [*self._misplaced(part), *part.of_entries]
        self._find(
            *sorted(found, key=lambda finding: -1 if finding.entry is None else finding.entry)
        )

    def _misplaced(self, part: Part) -> Iterator[Finding]:
        """See that the entries follow each other as they say."""
        for index, name, event, stream, offset, previous, timestamp in part.rows:
            if index != self._next or stream is None:
                self._sources.pass_over()
            self._next = index + 1
            if stream is None:
                continue
            wrong = self._sources.add(stream, offset, previous, timestamp)
            if wrong is not None:
                problem, what = wrong
                yield Finding(problem, name, what, index, event)
            if event is not None:
                self._events.add((stream.topic, event))

    def _find(self, *findings: Finding) -> None:
        self.report.findings += findings


def _compare(remembered: Remembered, read: Checkpoints, size: int) -> Iterator[Finding]:
    """Say what is less than it was when the log was last checked."""
    if remembered.size > size:
        what = f"it says {size} entries, and there were {remembered.size} at the last check"
        yield Finding(Problem.ROLLED_BACK, CHECKPOINT, what)
        return
    kept = len({each.object for each in read.archived if each.size <= remembered.size})
    if kept < remembered.checkpoints:
        what = (
            f"{kept} checkpoints up to size {remembered.size} are kept, and at the last check "
            f"{remembered.checkpoints} were"
        )
        yield Finding(Problem.MISSING, CHECKPOINTS, what)
