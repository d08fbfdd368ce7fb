"""Entries against tiles against checkpoints: everything that can be recomputed is.

What an entry bundle says and what a level-0 tile says about the same entries should agree. Where
they do not, the tile of level 1 (for the last ones, the signed root) tells which of the two was
changed.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from glideslope.audit import differences
from glideslope.audit.differences import HASH, Bundle, EventOf, hashes
from glideslope.audit.findings import Finding, Problem
from glideslope.audit.frontier import Frontier, leaf_hash
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from glideslope.audit.roots import Anchor, Roots
from services.audit.tlog.paths import TILE_WIDTH as WIDTH
from services.audit.tlog.paths import BadPathError, Tile

_AHEAD: Final = 16
"""How many bundles, with their tiles, are asked for before they are needed."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry as it is stored, known to be what was logged."""

    index: int
    raw: bytes
    object: str


class TreeCheck:
    """Walks the entries of one log once; afterwards `findings` has what is wrong with the tree.

    The largest size of an anchor is that of the log. `expected` are then the names of all tiles
    and bundles that belong to it. `event_of` tells which event an entry is about, for messages.
    Memory: 32 bytes for 256 entries, and the names.
    """

    def __init__(
        self,
        objects: Objects,
        anchors: Iterable[Anchor],
        names: AbstractSet[str],
        event_of: EventOf,
    ) -> None:
        self.expected: set[str] = set()
        self._findings: list[Finding] = []
        self._objects = objects
        self._roots = Roots(anchors)
        self._size = self._roots.size
        self._names = names
        self._event_of = event_of
        self._partials = _partials(names)
        self._level: list[bytes] = []
        self._referee = lru_cache(maxsize=4)(self._read_level_1)

    @property
    def findings(self) -> list[Finding]:
        """What is wrong, as far as the walk has come."""
        return [*self._findings, *self._roots.findings]

    def leaves(self) -> Iterator[Leaf]:
        """Yield each entry that is what was logged, in order; check all hashes on the way."""
        chunks = -(-self._size // WIDTH)
        for chunk in range(chunks):
            if chunk % _AHEAD == 0:
                self._objects.ahead(self._of_chunks(chunk, min(chunk + _AHEAD, chunks)))
            yield from self._chunk(chunk)
        self._upper_tiles()

    # ── one bundle of entries ─────────────────────────────────────────────────────────────────

    def _chunk(self, chunk: int) -> Iterator[Leaf]:
        start = chunk * WIDTH
        width = min(WIDTH, self._size - start)
        name, raw_bundle = self._get(Tile(None, chunk, width))
        tile, raw_tile = self._get(Tile(0, chunk, width))
        bundle = None if raw_bundle is None else Bundle.split(raw_bundle)
        said = None if bundle is None else [leaf_hash(each) for each in bundle.whole[:width]]
        held = None if raw_tile is None else hashes(raw_tile)[:width]
        true = self._judge(chunk, width, said, held)
        if said is not None and bundle is not None:
            full = WIDTH if name == Tile(None, chunk).path else width
            self._compare_entries(name, start, bundle, said, true, full)
        if raw_tile is not None:
            full = WIDTH if tile == Tile(0, chunk).path else width
            self._findings += differences.of_leaf_tile(tile, start, raw_tile, true, full)
        root = self._roots.take(start, true, width, lambda: self._said_above(chunk))
        if root is not None:
            self._level.append(root)
        self._narrower(chunk, width, true)
        if bundle is not None and said is not None:
            for place, (entry, own, right) in enumerate(
                zip(bundle.whole, said, true, strict=False)
            ):
                if own == right:
                    yield Leaf(start + place, entry, name)

    def _of_chunks(self, first: int, end: int) -> Iterator[str]:
        """Yield the names of the bundles and tiles of these chunks, partial ones too."""
        for chunk in range(first, end):
            width = min(WIDTH, self._size - chunk * WIDTH)
            for level in (None, 0):
                yield Tile(level, chunk, width).path
                for narrow in self._partials.get((level, chunk), ()):
                    yield Tile(level, chunk, narrow).path

    def _get(self, tile: Tile) -> tuple[str, bytes | None]:
        """Read an object, or the full one that stands in for a partial one."""
        for each in dict.fromkeys((tile.path, Tile(tile.level, tile.index).path)):
            try:
                raw = self._objects.read(each)
            except MissingObjectError:
                continue
            except UnreadableObjectError as error:
                self._find(Problem.UNREADABLE, each, str(error))
                return each, None
            self.expected.add(each)
            return each, raw
        what = "the log has no such object, and the checkpoint needs it"
        self._find(Problem.MISSING, tile.path, what)
        return tile.path, None

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
            return self._roots.are_reached_by(candidate)
        return Frontier(candidate).root() == self._said_above(chunk)

    def _said_above(self, chunk: int) -> bytes:
        """Return the root of a full tile as the tile above says it, zeros where none does."""
        referee = self._referee(chunk // WIDTH)
        place = chunk % WIDTH
        return referee[place] if place < len(referee) else b"\0" * HASH

    def _read_level_1(self, tile: int) -> list[bytes]:
        width = min(WIDTH, self._size // WIDTH - tile * WIDTH)
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
        self._findings += differences.of_entries(name, start, bundle, said, true, self._event_of)
        self._findings += differences.of_end(name, start, bundle, full, self._size)

    # ── partial objects, which earlier checkpoints needed ─────────────────────────────────────

    def _narrower(self, chunk: int, width: int, true: list[bytes]) -> None:
        start = chunk * WIDTH
        if width < WIDTH:
            self._demand(None, chunk, width)
            self._demand(0, chunk, width)
        for narrow in self._partials.get((0, chunk), ()):
            if narrow < width:
                name, right = Tile(0, chunk, narrow).path, b"".join(true[:narrow])
                raw = self._read_known(name)
                if raw is not None and len(true) >= narrow:
                    self._findings += differences.of_beginning(name, start, raw, right)
        for narrow in self._partials.get((None, chunk), ()):
            if narrow < width:
                name = Tile(None, chunk, narrow).path
                raw = self._read_known(name)
                if raw is not None:
                    bundle = Bundle.split(raw)
                    said = [leaf_hash(each) for each in bundle.whole[:narrow]]
                    self._compare_entries(name, start, bundle, said, true, narrow)

    def _demand(self, level: int | None, index: int, width: int) -> None:
        """See that each checkpoint's partial object is there while no full one replaces it."""
        covers = WIDTH ** (level or 0)
        first = index * WIDTH * covers
        for narrow in sorted({(size - first) // covers for size in self._roots.sizes(first)}):
            name = Tile(level, index, narrow).path
            if 0 < narrow < width and name not in self._names:
                what = "a checkpoint was signed that needs it, and no full one replaces it"
                self._find(Problem.MISSING, name, what)

    def _read_known(self, name: str) -> bytes | None:
        self.expected.add(name)
        try:
            return self._objects.read(name)
        except MissingObjectError:
            return None  # a writer at work took it away: a full one replaced it
        except UnreadableObjectError as error:
            self._find(Problem.UNREADABLE, name, f"it is listed and cannot be read: {error}")
            return None

    # ── tiles above level 0 ───────────────────────────────────────────────────────────────────

    def _upper_tiles(self) -> None:
        """Check each tile above level 0, byte for byte."""
        below, level = self._level, 1
        while below:
            above: list[bytes] = []
            for tile in range(-(-len(below) // WIDTH)):
                right = below[tile * WIDTH : (tile + 1) * WIDTH]
                name, raw = self._get(Tile(level, tile, len(right)))
                if raw is not None:
                    self._compare_upper(name, level, tile, raw, right)
                for narrow in self._partials.get((level, tile), ()):
                    if narrow < len(right):
                        self._check_narrow_tile(level, tile, right[:narrow])
                if len(right) < WIDTH:
                    self._demand(level, tile, len(right))
                else:
                    above.append(Frontier(right).root())
            below, level = above, level + 1

    def _compare_upper(
        self, name: str, level: int, tile: int, raw: bytes, right: Sequence[bytes]
    ) -> None:
        if raw[: len(right) * HASH] != b"".join(right):
            self._differs(name, level, tile, raw, right)
        elif name == Tile(level, tile, len(right)).path:
            self._findings += differences.of_length(name, raw, len(right))

    def _check_narrow_tile(self, level: int, tile: int, right: Sequence[bytes]) -> None:
        name = Tile(level, tile, len(right)).path
        raw = self._read_known(name)
        if raw is not None and raw != b"".join(right):
            self._differs(name, level, tile, raw, right)

    def _differs(
        self, name: str, level: int, tile: int, raw: bytes, right: Sequence[bytes]
    ) -> None:
        covers = WIDTH**level
        finding = differences.of_upper_tile(name, tile * WIDTH * covers, covers, raw, right)
        self._findings.append(finding)

    def _find(self, problem: Problem, name: str, what: str) -> None:
        self._findings.append(Finding(problem, name, what))


def _partials(names: AbstractSet[str]) -> defaultdict[tuple[int | None, int], list[int]]:
    """Return the widths of the partial objects there are, by level and index."""
    widths: defaultdict[tuple[int | None, int], list[int]] = defaultdict(list)
    for name in names:
        if ".p/" in name:
            with contextlib.suppress(BadPathError):  # then it is no object of a log
                tile = Tile.of(name)
                widths[tile.level, tile.index].append(tile.width)
    return widths
