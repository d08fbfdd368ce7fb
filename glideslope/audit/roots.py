"""The roots that somebody vouches for, against those that the entries lead to."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
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

    def take(
        self, start: int, hashes: Sequence[bytes], width: int, stand_in: Callable[[], bytes]
    ) -> bytes | None:
        """Take the hashes from entry `start` on, of which there should be `width`.

        Returns the root of a full tile, for which `stand_in` answers where hashes are missing.
        """
        self._broken |= len(hashes) < width
        inner = Frontier()
        due = iter(self.sizes(start + 1, start + width))
        size = next(due, None)
        for place, each in enumerate(hashes, start + 1):
            inner.append(each)
            if place == size:
                self._check(size, inner.nodes)
                size = next(due, None)
        if width < TILE_WIDTH:
            return None
        whole = stand_in() if len(hashes) < width else inner.root()
        self._outer.append(whole)
        return whole

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
