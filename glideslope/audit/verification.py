"""The whole check of one log, offline.

What is checked is listed in docs/audit.md, with what each finding means.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from glideslope.audit.checkpoints import Checkpoints, claimed_origin, read_checkpoints
from glideslope.audit.findings import Finding, Problem, Verdict, verdict
from glideslope.audit.leaves import BadFormError, Said, event_of, read_leaf
from glideslope.audit.leftovers import judge_leftovers
from glideslope.audit.memory import Memory, Remembered
from glideslope.audit.objects import Objects
from glideslope.audit.opening import Opening
from glideslope.audit.packs import Packs
from glideslope.audit.roots import Anchor
from glideslope.audit.sources import Seen, Sources, Stream
from glideslope.audit.tree import Leaf, TreeCheck
from glideslope.audit.witnesses import Cosigned, Witnesses, read_vouched
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.note import VerifierKey
from services.audit.tlog.paths import BLOBS, CHECKPOINT, CHECKPOINTS, pack_path

Progress = Callable[[int, int], None]
"""Is told how many entries of how many are done."""

_EVERY: Final = 256


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
    It needs some 200 bytes for each entry.
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
    ) -> None:
        self._objects = objects
        self._keys = keys
        self._memory = memory or {}
        self._witnesses = witnesses or Witnesses()
        self._key_reader = key_reader if records else None
        self._records = records
        self._opening: Opening | None = None
        self._progress = progress or (lambda _done, _all: None)
        self._names: set[str] = set()
        self._expected: set[str] = set()
        self._sources = Sources()
        self._passed_over = 0
        self._packs = Packs(objects)
        self._asked_for = -1
        self._events: Counter[int] = Counter()
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
            if self._key_reader is not None:
                self._opening = Opening(self._key_reader, read.newest.origin)
            self._check_entries(read, remembered)
            if self._opening is not None:
                self._find(*self._opening.findings())
                report.decrypted = self._opening.opened
                report.shredded = self._opening.shredded
            left = self._names - self._expected
            if (
                not self._records or report.entries < report.size
            ):  # nobody can tell whose the blobs of the others are
                left = {name for name in left if not name.startswith(BLOBS)}
            self._find(*judge_leftovers(self._objects, left, report.size))
        self._find(*self._objects.findings())
        report.remarks += self._objects.remarks()
        report.streams = self._sources.streams
        report.repeated_events = sum(count - 1 for count in self._events.values() if count > 1)
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
        tree = TreeCheck(self._objects, anchors, self._names, event_of)
        walk = tree.leaves()
        while leaves := list(islice(walk, _EVERY)):
            self._check_leaves(leaves)
            self._progress(leaves[-1].index, size)
        self._progress(size, size)
        if self._records:
            self._packs.end(size)
        self._find(*tree.findings, *self._packs.findings)
        self.report.blobs = self._packs.read
        self._expected |= tree.expected | self._packs.names

    def _check_leaves(self, leaves: Sequence[Leaf]) -> None:
        """Check some entries, after asking for the packs that their records are in."""
        read = [(leaf, _read(leaf)) for leaf in leaves]
        if self._records:
            packs = {said.pack for _, said in read if isinstance(said, Said)}
            new = sorted(pack for pack in packs if pack > self._asked_for)
            self._objects.ahead(pack_path(pack) for pack in new)
            self._asked_for = max(new, default=self._asked_for)
        for leaf, said in read:
            self._check_leaf(leaf, said)

    def _check_leaf(self, leaf: Leaf, said: Said | BadFormError) -> None:
        if leaf.index != self.report.entries + self._passed_over:
            self._passed_over = leaf.index - self.report.entries
            self._sources.pass_over()
        self.report.entries += 1
        if isinstance(said, BadFormError):
            self._sources.pass_over()
            event = event_of(leaf.raw)
            self._find(Finding(Problem.LEAF, leaf.object, str(said), leaf.index, event))
            return
        wrong = self._sources.add(said)
        if wrong is not None:
            problem, what = wrong
            self._find(Finding(problem, leaf.object, what, leaf.index, said.event_id))
        if said.event_id is not None:
            self._events[hash((said.topic, said.event_id))] += 1
        if self._records:
            self._check_record(leaf.index, said)

    def _check_record(self, index: int, said: Said) -> None:
        raw = self._packs.record(index, said)
        if raw is None or self._opening is None:
            return
        if what := self._opening.check(index, said, raw):
            name = pack_path(said.pack)
            self._find(Finding(Problem.DECRYPTION, name, what, index, said.event_id))

    def _find(self, *findings: Finding) -> None:
        self.report.findings += findings


def _read(leaf: Leaf) -> Said | BadFormError:
    try:
        return read_leaf(leaf.raw)
    except BadFormError as error:
        return error


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
