"""A bundle of entries against its tile of level 0, and against the partial ones of before.

What the two say of the same entries should agree. Where they do not, the tile of level 1 (for the
last ones, the signed root) tells which of them was changed.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from glideslope.audit import differences
from glideslope.audit.differences import HASH, Bundle, EventOf, hashes
from glideslope.audit.findings import Finding, Problem
from glideslope.audit.frontier import Frontier, leaf_hash
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from glideslope.audit.roots import Stretch
from services.audit.tlog.paths import TILE_WIDTH as WIDTH
from services.audit.tlog.paths import BadPathError, Tile

_AHEAD: Final = 16
"""How many bundles, with their tiles, are asked for before they are needed."""

Partials = Mapping[tuple[int | None, int], Sequence[int]]
"""The widths of the partial objects there are, by level and index."""

IsRoot = Callable[[Sequence[bytes]], bool]
"""Whether these hashes, after those of all bundles before, lead to the root of the log."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry as it is stored, known to be what was logged."""

    index: int
    raw: bytes
    object: str


@dataclass(frozen=True, slots=True)
class Span:
    """The bundles from `first` to `end`, without `end`, of a log of `size` entries.

    `anchored` are the sizes in there that somebody vouches for, in order.
    """

    first: int
    end: int
    size: int
    anchored: Sequence[int] = ()
    partials: Partials = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """How many entries the log has up to the end of the span."""
        return min(self.end * WIDTH, self.size)


class BundleCheck:
    """Walks a span of bundles once; afterwards `findings` has what is wrong with them.

    `expected` are then the names of the objects that belong to the log, `stretches` what the
    hashes come to. It knows nothing of what comes before the span: `is_root` is asked about the
    last, partial bundle of a log alone. `event_of` tells which event an entry is about.
    """

    def __init__(
        self, objects: Objects, span: Span, event_of: EventOf, is_root: IsRoot | None = None
    ) -> None:
        self.findings: list[Finding] = []
        self.expected: set[str] = set()
        self.stretches: list[Stretch] = []
        self._objects = objects
        self._span = span
        self._event_of = event_of
        self._is_root = is_root
        self._referee = lru_cache(maxsize=4)(self._read_level_1)

    def leaves(self) -> Iterator[list[Leaf]]:
        """Yield, bundle by bundle, the entries that are what was logged; check all on the way."""
        first, end = self._span.first, self._span.end
        for chunk in range(first, end):
            if (chunk - first) % _AHEAD == 0:
                self._objects.ahead(self._of_chunks(chunk, min(chunk + _AHEAD, end)))
            yield self._chunk(chunk)

    def _chunk(self, chunk: int) -> list[Leaf]:
        start = chunk * WIDTH
        width = min(WIDTH, self._span.size - start)
        name, raw_bundle = read(self._objects, Tile(None, chunk, width), self)
        tile, raw_tile = read(self._objects, Tile(0, chunk, width), self)
        bundle = None if raw_bundle is None else Bundle.split(raw_bundle)
        said = None if bundle is None else [leaf_hash(each) for each in bundle.whole[:width]]
        held = None if raw_tile is None else hashes(raw_tile)[:width]
        true = self._judge(chunk, width, said, held)
        if said is not None and bundle is not None:
            full = WIDTH if name == Tile(None, chunk).path else width
            self._compare_entries(name, start, bundle, said, true, full)
        if raw_tile is not None:
            full = WIDTH if tile == Tile(0, chunk).path else width
            self.findings += differences.of_leaf_tile(tile, start, raw_tile, true, full)
        due = [size for size in self._span.anchored if start < size <= start + width]
        self.stretches.append(Stretch.of(start, true, width, due, lambda: self._said_above(chunk)))
        self._narrower(chunk, width, true)
        if bundle is None or said is None:
            return []
        return [
            Leaf(start + place, entry, name)
            for place, (entry, own, right) in enumerate(zip(bundle.whole, said, true, strict=False))
            if own == right
        ]

    def _of_chunks(self, first: int, end: int) -> Iterator[str]:
        """Yield the names of the bundles and tiles of these chunks, partial ones too."""
        for chunk in range(first, end):
            width = min(WIDTH, self._span.size - chunk * WIDTH)
            for level in (None, 0):
                yield Tile(level, chunk, width).path
                for narrow in self._widths(level, chunk):
                    yield Tile(level, chunk, narrow).path

    def _widths(self, level: int | None, chunk: int) -> Sequence[int]:
        return self._span.partials.get((level, chunk), ())

    # ── what was logged, where they disagree ──────────────────────────────────────────────────

    def _judge(
        self, chunk: int, width: int, said: list[bytes] | None, held: list[bytes] | None
    ) -> list[bytes]:
        """Return the hashes that were logged, as far as they can be told."""
        candidates = [each for each in (said, held) if each is not None and len(each) == width]
        if not candidates:
            return (said or held or [])[:width]
        if len(candidates) == 1 or candidates[0] == candidates[1]:
            return candidates[0]
        for each in candidates:
            if self._confirms(chunk, width, each):
                return each
        return candidates[0]

    def _confirms(self, chunk: int, width: int, candidate: list[bytes]) -> bool:
        if width < WIDTH:
            return self._is_root is not None and self._is_root(candidate)
        return Frontier(candidate).root() == self._said_above(chunk)

    def _said_above(self, chunk: int) -> bytes:
        """Return the root of a full tile as the tile above says it, zeros where none does."""
        referee = self._referee(chunk // WIDTH)
        place = chunk % WIDTH
        return referee[place] if place < len(referee) else b"\0" * HASH

    def _read_level_1(self, tile: int) -> list[bytes]:
        width = min(WIDTH, self._span.size // WIDTH - tile * WIDTH)
        try:
            return hashes(self._objects.read(Tile(1, tile, width).path))
        except (MissingObjectError, UnreadableObjectError):
            return []

    def _compare_entries(  # noqa: PLR0913, PLR0917 - a bundle, and what is right about it
        self,
        name: str,
        start: int,
        bundle: Bundle,
        said: Sequence[bytes],
        true: Sequence[bytes],
        full: int,
    ) -> None:
        self.findings += differences.of_entries(name, start, bundle, said, true, self._event_of)
        self.findings += differences.of_end(name, start, bundle, full, self._span.size)

    # ── partial objects, which earlier checkpoints needed ─────────────────────────────────────

    def _narrower(self, chunk: int, width: int, true: list[bytes]) -> None:
        start = chunk * WIDTH
        if width < WIDTH:
            for level in (None, 0):
                sizes, there = self._span.anchored, self._widths(level, chunk)
                self.findings += demand(Tile(level, chunk, width), sizes, there)
        for narrow in self._widths(0, chunk):
            if narrow < width:
                name, right = Tile(0, chunk, narrow).path, b"".join(true[:narrow])
                raw = read_known(self._objects, name, self)
                if raw is not None and len(true) >= narrow:
                    self.findings += differences.of_beginning(name, start, raw, right)
        for narrow in self._widths(None, chunk):
            if narrow < width:
                name = Tile(None, chunk, narrow).path
                raw = read_known(self._objects, name, self)
                if raw is not None:
                    bundle = Bundle.split(raw)
                    said = [leaf_hash(each) for each in bundle.whole[:narrow]]
                    self._compare_entries(name, start, bundle, said, true, narrow)


class Reading(Protocol):
    """What is being read for: it keeps the names that belong to the log, and what is wrong."""

    findings: list[Finding]
    expected: set[str]


def read(objects: Objects, tile: Tile, reading: Reading) -> tuple[str, bytes | None]:
    """Read an object, or the full one that stands in for a partial one."""
    for each in dict.fromkeys((tile.path, Tile(tile.level, tile.index).path)):
        try:
            raw = objects.read(each)
        except MissingObjectError:
            continue
        except UnreadableObjectError as error:
            reading.findings.append(Finding(Problem.UNREADABLE, each, str(error)))
            return each, None
        reading.expected.add(each)
        return each, raw
    what = "the log has no such object, and the checkpoint needs it"
    reading.findings.append(Finding(Problem.MISSING, tile.path, what))
    return tile.path, None


def read_known(objects: Objects, name: str, reading: Reading) -> bytes | None:
    """Read an object that was listed."""
    reading.expected.add(name)
    try:
        return objects.read(name)
    except MissingObjectError:
        return None  # a writer at work took it away: a full one replaced it
    except UnreadableObjectError as error:
        what = f"it is listed and cannot be read: {error}"
        reading.findings.append(Finding(Problem.UNREADABLE, name, what))
        return None


def demand(tile: Tile, sizes: Iterable[int], there: Sequence[int]) -> Iterator[Finding]:
    """See that each checkpoint's partial object is there while no full one replaces it.

    `sizes` are those of checkpoints, `there` the widths of the partial objects of the tile.
    """
    covers = WIDTH ** (tile.level or 0)
    first = tile.index * WIDTH * covers
    for narrow in sorted({(size - first) // covers for size in sizes}):
        if 0 < narrow < tile.width and narrow not in there:
            name = Tile(tile.level, tile.index, narrow).path
            what = "a checkpoint was signed that needs it, and no full one replaces it"
            yield Finding(Problem.MISSING, name, what)


def partials_in(names: AbstractSet[str]) -> Partials:
    """Return the partial objects there are."""
    widths: defaultdict[tuple[int | None, int], list[int]] = defaultdict(list)
    for name in names:
        if ".p/" in name:
            with contextlib.suppress(BadPathError):  # then it is no object of a log
                tile = Tile.of(name)
                widths[tile.level, tile.index].append(tile.width)
    return {key: sorted(each) for key, each in widths.items()}
