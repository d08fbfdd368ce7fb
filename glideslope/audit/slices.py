"""One slice of a log: all that can be said of its entries without those of other slices.

Slices can be checked side by side, in any order. What holds across them (the roots, the order of
the offsets, the keys that were destroyed) is put together by whoever takes them in, in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glideslope.audit.bundles import BundleCheck, IsRoot, Leaf, Span
from glideslope.audit.findings import Finding, Problem
from glideslope.audit.leaves import BadFormError, Said, event_of, read_leaf
from glideslope.audit.objects import Objects
from glideslope.audit.opening import Opened, Opening
from glideslope.audit.packs import Packs
from glideslope.audit.roots import Stretch
from glideslope.audit.sources import Stream
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.paths import pack_path

Row = tuple[int, str, str | None, Stream | None, int, int | None, int]
"""Of an entry: its index and object, its event, and the stream, offset, previous offset and
timestamp that it says. Without a stream it has not the form of an entry. A plain tuple: there may
be a hundred million, and each goes from one process to another."""


@dataclass(slots=True)
class Part:
    """What the check of a slice came to, its findings by what they are about."""

    end: int
    rows: list[Row] = field(default_factory=list)
    of_entries: list[Finding] = field(default_factory=list)
    of_bundles: list[Finding] = field(default_factory=list)
    of_packs: list[Finding] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    records: int = 0
    opened: Opened = field(default_factory=Opened)
    noted: Mapping[str, Any] = field(default_factory=dict)


class SliceCheck:
    """Checks slices of one log.

    With a `reader` records are decrypted whose keys are there; without `records` none is read.
    """

    def __init__(
        self, objects: Objects, origin: str, reader: KeyReader | None, *, records: bool
    ) -> None:
        self._objects = objects
        self._opening = None if reader is None else Opening(reader, origin)
        self._records = records
        self._streams: dict[tuple[str, str, int], Stream] = {}

    def run(self, span: Span, is_root: IsRoot | None = None) -> Part:
        """Check the entries of a span. `is_root` as for `BundleCheck`."""
        part = Part(span.entries)
        bundles = BundleCheck(self._objects, span, event_of, is_root)
        packs = self._packs_before(span)
        asked_for = -1
        for leaves in bundles.leaves():
            read = [(leaf, _read(leaf)) for leaf in leaves]
            if self._records:
                new = {said.pack for _, said in read if isinstance(said, Said)}
                self._objects.ahead(pack_path(pack) for pack in sorted(new) if pack > asked_for)
                asked_for = max(new, default=asked_for)
            for leaf, said in read:
                self._check(leaf, said, packs, part)
        if self._records and span.entries == span.size:
            packs.end(span.size)
        part.of_bundles = bundles.findings
        part.of_packs = packs.findings
        part.stretches = bundles.stretches
        part.expected = bundles.expected | packs.names
        part.records = packs.read
        part.noted = self._objects.noted()
        return part

    def _packs_before(self, span: Span) -> Packs:
        """Return what holds the records, as it is after the entry before the span."""
        packs = Packs(self._objects)
        if self._records and span.first > 0:
            before = BundleCheck(
                self._objects, Span(span.first - 1, span.first, span.size), event_of
            )
            [leaves] = before.leaves()
            for leaf in reversed(leaves):
                said = _read(leaf)
                if isinstance(said, Said):
                    packs.go_on_after(leaf.index, said)
                    break
        return packs

    def _check(self, leaf: Leaf, said: Said | BadFormError, packs: Packs, part: Part) -> None:
        if isinstance(said, BadFormError):
            event = event_of(leaf.raw)
            part.rows.append((leaf.index, leaf.object, event, None, 0, None, 0))
            problem = Finding(Problem.LEAF, leaf.object, str(said), leaf.index, event)
            part.of_entries.append(problem)
            return
        stream = self._stream(said)
        part.rows.append(
            (
                leaf.index,
                leaf.object,
                said.event_id,
                stream,
                said.offset,
                said.previous,
                said.timestamp,
            )
        )
        raw = packs.record(leaf.index, said) if self._records else None
        if raw is None or self._opening is None:
            return
        if what := self._opening.check(leaf.index, said, raw, part.opened):
            name = pack_path(said.pack)
            wrong = Finding(Problem.DECRYPTION, name, what, leaf.index, said.event_id)
            part.of_entries.append(wrong)

    def _stream(self, said: Said) -> Stream:
        """Return the stream that an entry names: one object for all that name it."""
        key = said.cluster, said.topic, said.partition
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(*key)
        return stream


def _read(leaf: Leaf) -> Said | BadFormError:
    try:
        return read_leaf(leaf.raw)
    except BadFormError as error:
        return error
