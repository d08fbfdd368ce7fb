"""The roots that somebody vouches for, against those that the entries lead to."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.frontier import Frontier, fold
from services.audit.tlog.paths import TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Anchor:
    """A root that somebody vouches for: the log, a witness, or the auditor's own memory.

    `problem` is what it means when the entries do not lead to it; `object` where it stands.
    """

    size: int
    root: bytes
    object: str
    problem: Problem = Problem.ROOT


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the hashes of a tile come to, whatever comes before it.

    `root` is that of a full tile. `nodes` are, for each size that somebody vouches for, the full
    subtrees that the tile's hashes make up by then. A stretch of which hashes are missing is not
    `whole`: no root can be recomputed from it.
    """

    whole: bool
    root: bytes | None
    nodes: Mapping[int, Sequence[bytes]]

    @classmethod
    def of(
        cls,
        start: int,
        hashes: Sequence[bytes],
        width: int,
        due: Iterable[int],
        stand_in: Callable[[], bytes],
    ) -> "Stretch":
        """Reckon with the hashes from entry `start` on, of which there should be `width`.

        `due` are the sizes in there that somebody vouches for, in order. `stand_in` answers for
        the root of a full tile where hashes are missing.
        """
        inner = Frontier()
        nodes: dict[int, Sequence[bytes]] = {}
        sizes = iter(due)
        size = next(sizes, None)
        for place, each in enumerate(hashes, start + 1):
            inner.append(each)
            if place == size:
                nodes[size] = tuple(inner.nodes)
                size = next(sizes, None)
        whole = len(hashes) == width
        root = None
        if width == TILE_WIDTH:
            root = inner.root() if whole else stand_in()
        return cls(whole, root, nodes)


class Roots:
    """Takes the hashes of a log's entries, tile by tile; `findings` says which anchors they miss.

    The largest size of an anchor is that of the log.
    """

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self.findings: list[Finding] = []
        self._anchors: defaultdict[int, list[Anchor]] = defaultdict(list)
        for anchor in anchors:
            self._anchors[anchor.size].append(anchor)
        self._sizes = sorted(self._anchors)
        self.size = self._sizes[-1]
        self._outer = Frontier()
        self._broken = False  # from here on no root can be recomputed
        self._sound = 0  # the largest size whose root was recomputed
        if 0 in self._anchors:
            self._check(0, [])

    def sizes(self, first: int, last: int | None = None) -> Sequence[int]:
        """Return the sizes, from `first` to `last`, that somebody vouches for."""
        end = None if last is None else bisect_right(self._sizes, last)
        return self._sizes[bisect_left(self._sizes, first) : end]

    def are_reached_by(self, hashes: Sequence[bytes]) -> bool:
        """Whether these, after all that was taken, lead to the root of the whole log."""
        root = self._anchors[self.size][0].root
        return not self._broken and fold([*self._outer.nodes, *Frontier(hashes).nodes]) == root

    def take(self, stretch: Stretch) -> None:
        """Take in what the hashes of the next tile come to."""
        self._broken |= not stretch.whole
        for size, nodes in stretch.nodes.items():
            self._check(size, nodes)
        if stretch.root is not None:
            self._outer.append(stretch.root)

    def _check(self, size: int, inner: Sequence[bytes]) -> None:
        if self._broken:
            return
        root = fold([*self._outer.nodes, *inner])
        wrong = [anchor for anchor in self._anchors[size] if anchor.root != root]
        for anchor in wrong:
            what = (
                f"entries {self._sound} to {size - 1} are not those that it vouches for: the root "
                "recomputed from the entries is another"
            )
            entry = self._sound if self._sound < size else None
            self.findings.append(Finding(anchor.problem, anchor.object, what, entry))
        if not wrong:
            self._sound = size
