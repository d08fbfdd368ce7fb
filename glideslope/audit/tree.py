"""Entries against tiles against checkpoints: everything that can be recomputed is.

What an entry bundle says and what a level-0 tile says about the same entries should agree. Where
they do not, the tile of level 1 (for the last ones, the signed root) tells which of the two was
changed.
"""

import contextlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.frontier import Frontier, fold, leaf_hash
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from services.audit.tlog.paths import TILE_WIDTH as WIDTH
from services.audit.tlog.paths import BadPathError, Tile

_HASH: Final = 32
_LENGTH: Final = 2
_NAMED_ONE_BY_ONE: Final = 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """A root that somebody vouches for: the log by its signature, or the auditor's own memory.

    `problem` is what it means when the entries do not lead to it; `object` where it stands.
    """

    size: int
    root: bytes
    object: str
    problem: Problem = Problem.ROOT


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry as it is stored, known to be what was logged."""

    index: int
    raw: bytes
    object: str


EventOf = Callable[[bytes], str | None]


class TreeCheck:
    """Walks the entries of one log once; afterwards `findings` has what is wrong with the tree.

    The largest size of an anchor is that of the log. `event_of` tells which event an entry is
    about, for messages. Memory: 32 bytes for 256 entries, and the names.
    """

    def __init__(
        self,
        objects: Objects,
        anchors: Iterable[Anchor],
        names: AbstractSet[str],
        event_of: EventOf,
    ) -> None:
        self.findings: list[Finding] = []
        self._objects = objects
        self._anchors: defaultdict[int, list[Anchor]] = defaultdict(list)
        for anchor in anchors:
            self._anchors[anchor.size].append(anchor)
        self._sizes = sorted(self._anchors)
        self._size = self._sizes[-1]
        self._names = names
        self._event_of = event_of
        self._partials = _partials(names)
        self._outer = Frontier()
        self._broken: int | None = None  # from this entry on no root can be recomputed
        self._sound = 0  # the largest size whose signed root was recomputed
        self._level: list[bytes] = []
        self._expected: set[str] = set()
        self._referee = lru_cache(maxsize=4)(self._read_level_1)

    def leaves(self) -> Iterator[Leaf]:
        """Yield each entry that is what was logged, in order; check all hashes on the way."""
        if 0 in self._anchors:
            self._check_root(0, [])
        for chunk in range(-(-self._size // WIDTH)):
            yield from self._chunk(chunk)
        self._upper_tiles()

    @property
    def expected(self) -> set[str]:
        """The names of all tiles and bundles that belong to the log."""
        return self._expected

    # ── one bundle of entries ─────────────────────────────────────────────────────────────────

    def _chunk(self, chunk: int) -> Iterator[Leaf]:
        start = chunk * WIDTH
        width = min(WIDTH, self._size - start)
        bundle, raw_bundle = self._get(_bundle_path(chunk, width), _bundle_path(chunk, WIDTH))
        tile, raw_tile = self._get(_tile_path(0, chunk, width), _tile_path(0, chunk, WIDTH))
        entries = None if raw_bundle is None else _split(raw_bundle)
        said = None if entries is None else [leaf_hash(each) for each in entries.whole[:width]]
        held = None if raw_tile is None else _hashes(raw_tile)[:width]
        true = self._judge(chunk, width, said, held)
        if said is not None and entries is not None and raw_bundle is not None:
            self._compare_entries(bundle, start, entries, said, true)
            full = WIDTH if bundle == _bundle_path(chunk, WIDTH) else width
            self._check_end(bundle, start, entries, full)
        if raw_tile is not None:
            full = WIDTH if tile == _tile_path(0, chunk, WIDTH) else width
            self._compare_tile(tile, start, raw_tile, true, full)
        self._grow(start, true, width)
        self._narrower(chunk, width, true)
        if entries is not None and said is not None:
            for place, (entry, own, right) in enumerate(
                zip(entries.whole, said, true, strict=False)
            ):
                if own == right:
                    yield Leaf(start + place, entry, bundle)

    def _get(self, name: str, wider: str) -> tuple[str, bytes | None]:
        """Read an object, or the full one that stands in for a partial one."""
        for each in dict.fromkeys((name, wider)):
            try:
                raw = self._objects.read(each)
            except MissingObjectError:
                continue
            except UnreadableObjectError as error:
                self._find(Problem.UNREADABLE, each, str(error))
                return each, None
            self._expected.add(each)
            return each, raw
        self._find(Problem.MISSING, name, "the log has no such object, and the checkpoint needs it")
        return name, None

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

    def _confirms(self, chunk: int, width: int, hashes: list[bytes]) -> bool:
        own = Frontier(hashes)
        if width == WIDTH:
            referee = self._referee(chunk // WIDTH)
            place = chunk % WIDTH
            return place < len(referee) and own.root() == referee[place]
        return self._broken is None and (
            fold([*self._outer.nodes, *own.nodes]) == self._anchors[self._size][0].root
        )

    def _read_level_1(self, tile: int) -> list[bytes]:
        width = min(WIDTH, self._size // WIDTH - tile * WIDTH)
        try:
            return _hashes(self._objects.read(_tile_path(1, tile, width)))
        except (MissingObjectError, UnreadableObjectError):
            return []

    # ── what differs ──────────────────────────────────────────────────────────────────────────

    def _compare_entries(
        self, name: str, start: int, entries: "_Bundle", said: list[bytes], true: list[bytes]
    ) -> None:
        wrong = [
            place
            for place, (own, right) in enumerate(zip(said, true, strict=False))
            if own != right
        ]
        for place in wrong[:_NAMED_ONE_BY_ONE]:
            self._find(
                Problem.ENTRY,
                name,
                "its bytes are not those that were logged",
                entry=start + place,
                event=self._event_of(entries.whole[place]),
            )
        self._and_more(Problem.ENTRY, name, start, wrong)

    def _check_end(self, name: str, start: int, entries: "_Bundle", full: int) -> None:
        """Say where a bundle is cut off, or that it goes on."""
        if len(entries.whole) < full:
            at = start + len(entries.whole)
            what = f"the bundle is cut off in entry {at}: {full} entries belong into it"
            if at < self._size:
                self._find(Problem.ENTRY, name, what, entry=at)
            else:
                self._find(Problem.ENTRY, name, what)
        elif len(entries.whole) > full or entries.rest:
            self._find(Problem.ENTRY, name, f"the bundle goes on after its {full} entries")

    def _compare_tile(
        self, name: str, start: int, raw: bytes, true: list[bytes], full: int
    ) -> None:
        if len(raw) != full * _HASH:
            self._find(
                Problem.TILE,
                name,
                f"it has {len(raw)} bytes, and {full} hashes make {full * _HASH}",
            )
        wrong = [
            place
            for place, (own, right) in enumerate(zip(_hashes(raw), true, strict=False))
            if own != right
        ]
        for place in wrong[:_NAMED_ONE_BY_ONE]:
            self._find(Problem.TILE, name, "its hash is not that of the entry", entry=start + place)
        self._and_more(Problem.TILE, name, start, wrong)

    def _and_more(self, problem: Problem, name: str, start: int, wrong: Sequence[int]) -> None:
        more = wrong[_NAMED_ONE_BY_ONE:]
        if more:
            self._find(
                problem,
                name,
                f"{len(more)} more differ, up to entry {start + more[-1]}",
                entry=start + more[0],
            )

    def _narrower(
        self,
        chunk: int,
        width: int,
        true: list[bytes],
    ) -> None:
        """Check the partial tiles and bundles that earlier checkpoints needed."""
        start = chunk * WIDTH
        if width < WIDTH:
            self._demand(None, chunk, width)
            self._demand(0, chunk, width)
        for narrow in self._partials.get((0, chunk), ()):
            name = _tile_path(0, chunk, narrow)
            if narrow < width:
                self._check_prefix(name, b"".join(true[:narrow]), start, len(true) >= narrow)
        for narrow in self._partials.get((None, chunk), ()):
            name = _bundle_path(chunk, narrow)
            if narrow < width:
                self._check_narrow_bundle(name, start, narrow, true)

    def _demand(self, level: int | None, index: int, width: int) -> None:
        """See that each checkpoint's partial object is there while no full one replaces it."""
        covers = WIDTH ** (level or 0)
        first = index * WIDTH * covers
        sizes = self._sizes[bisect_left(self._sizes, first) :]
        for narrow in sorted({(size - first) // covers for size in sizes} - {0}):
            name = Tile(level, index, narrow).path
            if narrow < width and name not in self._names:
                what = "a checkpoint was signed that needs it, and no full one replaces it"
                self._find(Problem.MISSING, name, what)

    def _check_prefix(self, name: str, right: bytes, start: int, known: bool) -> None:
        raw = self._read_known(name)
        if raw is None or not known or raw == right:
            return
        place = next(
            (
                place
                for place, (own, its) in enumerate(zip(_hashes(raw), _hashes(right), strict=False))
                if own != its
            ),
            min(len(raw), len(right)) // _HASH,
        )
        self._find(
            Problem.TILE,
            name,
            "it is not the beginning of the tile that it grew into",
            entry=start + place,
        )

    def _check_narrow_bundle(self, name: str, start: int, width: int, true: list[bytes]) -> None:
        raw = self._read_known(name)
        if raw is None:
            return
        entries = _split(raw)
        said = [leaf_hash(each) for each in entries.whole[:width]]
        self._compare_entries(name, start, entries, said, true)
        self._check_end(name, start, entries, width)

    def _read_known(self, name: str) -> bytes | None:
        self._expected.add(name)
        try:
            return self._objects.read(name)
        except MissingObjectError:
            return None  # a writer at work took it away: a full one replaced it
        except UnreadableObjectError as error:
            self._find(Problem.UNREADABLE, name, f"it is listed and cannot be read: {error}")
            return None

    # ── roots ─────────────────────────────────────────────────────────────────────────────────

    def _grow(self, start: int, hashes: list[bytes], width: int) -> None:
        if len(hashes) < width and self._broken is None:
            self._broken = start + len(hashes)
        inner = Frontier()
        ahead = self._sizes[bisect_left(self._sizes, start + 1) :]
        due = iter(size for size in ahead if size <= start + width)
        size = next(due, None)
        for place, each in enumerate(hashes, start + 1):
            inner.append(each)
            if place == size:
                self._check_root(size, inner.nodes)
                size = next(due, None)
        if width == WIDTH:
            whole = inner.root()
            if len(hashes) < width:
                referee = self._referee(start // WIDTH // WIDTH)
                place = start // WIDTH % WIDTH
                whole = referee[place] if place < len(referee) else b"\0" * _HASH
            self._outer.append(whole)
            self._level.append(whole)

    def _check_root(self, size: int, inner: list[bytes]) -> None:
        if self._broken is not None:
            return
        root = fold([*self._outer.nodes, *inner])
        wrong = [anchor for anchor in self._anchors[size] if anchor.root != root]
        for anchor in wrong:
            self._find(
                anchor.problem,
                anchor.object,
                f"entries {self._sound} to {size - 1} are not those that it vouches for: the root "
                "recomputed from the entries is another",
                entry=self._sound if self._sound < size else None,
            )
        if not wrong:
            self._sound = size

    def _upper_tiles(self) -> None:
        """Check each tile above level 0, byte for byte."""
        hashes, level = self._level, 1
        while hashes:
            above: list[bytes] = []
            for tile in range(-(-len(hashes) // WIDTH)):
                right = hashes[tile * WIDTH : (tile + 1) * WIDTH]
                name, raw = self._get(
                    _tile_path(level, tile, len(right)), _tile_path(level, tile, WIDTH)
                )
                if raw is not None and raw[: len(right) * _HASH] != b"".join(right):
                    self._differs(name, level, tile, raw, right)
                elif raw is not None and name == _tile_path(level, tile, len(right)):
                    self._compare_length(name, raw, len(right))
                for narrow in self._partials.get((level, tile), ()):
                    if narrow < len(right):
                        self._check_narrow_tile(level, tile, narrow, right)
                if len(right) < WIDTH:
                    self._demand(level, tile, len(right))
                else:
                    above.append(Frontier(right).root())
            hashes, level = above, level + 1

    def _compare_length(self, name: str, raw: bytes, width: int) -> None:
        if len(raw) != width * _HASH:
            self._find(
                Problem.TILE,
                name,
                f"it has {len(raw)} bytes, and {width} hashes make {width * _HASH}",
            )

    def _check_narrow_tile(self, level: int, tile: int, width: int, right: list[bytes]) -> None:
        name = _tile_path(level, tile, width)
        raw = self._read_known(name)
        if raw is not None and raw != b"".join(right[:width]):
            self._differs(name, level, tile, raw, right[:width])

    def _differs(self, name: str, level: int, tile: int, raw: bytes, right: list[bytes]) -> None:
        own = _hashes(raw)
        place = next(
            (place for place, its in enumerate(right) if own[place : place + 1] != [its]), 0
        )
        covers = WIDTH**level
        first = (tile * WIDTH + place) * covers
        self._find(
            Problem.TILE,
            name,
            f"its hash {place}, over entries {first} to {first + covers - 1}, is not the one "
            "recomputed from them",
            entry=first,
        )

    def _find(
        self,
        problem: Problem,
        name: str,
        what: str,
        entry: int | None = None,
        event: str | None = None,
    ) -> None:
        self.findings.append(Finding(problem, name, what, entry, event))


@dataclass(frozen=True, slots=True)
class _Bundle:
    """The entries of a bundle, and what is left where it does not come out even."""

    whole: list[bytes]
    rest: bytes


def _split(raw: bytes) -> _Bundle:
    """Take a bundle apart: each entry is a big-endian uint16 length, and its bytes."""
    whole: list[bytes] = []
    at = 0
    while at + _LENGTH <= len(raw):
        end = at + _LENGTH + int.from_bytes(raw[at : at + _LENGTH], "big")
        if end > len(raw):
            break
        whole.append(raw[at + _LENGTH : end])
        at = end
    return _Bundle(whole, raw[at:])


def _hashes(raw: bytes) -> list[bytes]:
    return [raw[at : at + _HASH] for at in range(0, len(raw) - _HASH + 1, _HASH)]


def _partials(names: AbstractSet[str]) -> defaultdict[tuple[int | None, int], list[int]]:
    """Return the widths of the partial objects there are, by level and index."""
    widths: defaultdict[tuple[int | None, int], list[int]] = defaultdict(list)
    for name in names:
        if ".p/" in name:
            with contextlib.suppress(BadPathError):  # then it is no object of a log
                tile = Tile.of(name)
                widths[tile.level, tile.index].append(tile.width)
    return widths


def _bundle_path(index: int, width: int) -> str:
    return Tile(None, index, width).path


def _tile_path(level: int, index: int, width: int) -> str:
    return Tile(level, index, width).path
