"""Tiles against checkpoints: everything above the bundles that can be recomputed is."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from glideslope.audit import differences
from glideslope.audit.bundles import Span, demand, partials_in, read, read_known
from glideslope.audit.differences import HASH
from glideslope.audit.findings import Finding
from glideslope.audit.frontier import Frontier
from glideslope.audit.objects import Objects
from glideslope.audit.roots import Anchor, Roots, Stretch
from services.audit.tlog.paths import TILE_WIDTH as WIDTH
from services.audit.tlog.paths import Tile

BUNDLES_AT_ONCE: Final = 32
"""How many bundles a span has: 8,192 entries."""


class TreeCheck:
    """Takes in what the spans of one log come to, in order; `findings` says what is wrong.

    The largest size of an anchor is that of the log. `expected` are the names of the tiles above
    level 0 that belong to it. Memory: 32 bytes for 256 entries, and the names.
    """

    def __init__(
        self, objects: Objects, anchors: Iterable[Anchor], names: AbstractSet[str]
    ) -> None:
        self.findings: list[Finding] = []
        self.expected: set[str] = set()
        self._objects = objects
        self._roots = Roots(anchors)
        self._partials = partials_in(names)
        self._level: list[bytes] = []

    def spans(self, bundles: int = BUNDLES_AT_ONCE) -> Iterator[Span]:
        """Yield spans of so many bundles: each can be checked by itself."""
        for first in range(0, self._roots.size // WIDTH, bundles):
            yield self._span(first, min(first + bundles, self._roots.size // WIDTH))

    def rest(self) -> Span | None:
        """Return the last, partial bundle, which is checked when all others were taken in."""
        first = self._roots.size // WIDTH
        return self._span(first, first + 1) if self._roots.size % WIDTH else None

    def is_root(self, hashes: Sequence[bytes]) -> bool:
        """Whether these, after all that was taken in, lead to the root of the log."""
        return self._roots.are_reached_by(hashes)

    def take(self, stretches: Iterable[Stretch]) -> None:
        """Take in what bundles come to."""
        for each in stretches:
            self._roots.take(each)
            if each.root is not None:
                self._level.append(each.root)

    def finish(self) -> None:
        """Check each tile above level 0, byte for byte, and say which roots were missed."""
        below, level = self._level, 1
        while below:
            above: list[bytes] = []
            for tile in range(-(-len(below) // WIDTH)):
                right = below[tile * WIDTH : (tile + 1) * WIDTH]
                self._check(level, tile, right)
                if len(right) == WIDTH:
                    above.append(Frontier(right).root())
            below, level = above, level + 1
        self.findings += self._roots.findings

    def _span(self, first: int, end: int) -> Span:
        keys = [(level, chunk) for chunk in range(first, end) for level in (None, 0)]
        return Span(
            first,
            end,
            self._roots.size,
            self._roots.sizes(first * WIDTH + 1, end * WIDTH),
            {key: self._partials[key] for key in keys if key in self._partials},
        )

    def _check(self, level: int, index: int, right: Sequence[bytes]) -> None:
        tile = Tile(level, index, len(right))
        covers = WIDTH**level
        first = index * WIDTH * covers
        widths = self._partials.get((level, index), ())
        name, raw = read(self._objects, tile, self)
        if raw is not None and raw[: len(right) * HASH] != b"".join(right):
            self.findings.append(differences.of_upper_tile(name, first, covers, raw, right))
        elif raw is not None and name == tile.path:
            self.findings += differences.of_length(name, raw, len(right))
        for narrow in widths:
            if narrow < tile.width:
                name = Tile(level, index, narrow).path
                raw = read_known(self._objects, name, self)
                if raw is not None and raw != b"".join(right[:narrow]):
                    wrong = differences.of_upper_tile(name, first, covers, raw, right[:narrow])
                    self.findings.append(wrong)
        if tile.width < WIDTH:
            self.findings += demand(tile, self._roots.sizes(first), widths)
