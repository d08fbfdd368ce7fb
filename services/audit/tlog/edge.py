"""The right edge of a log's tiles: all that appending needs to know of what is there."""

from collections.abc import Iterable, Iterator
from typing import Final, Self

from services.audit.log import DamagedError
from services.audit.tlog.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash
from services.audit.tlog.paths import TILE_WIDTH, Tile, bundle, split_bundle
from services.audit.tlog.storage import Storage

_BITS: Final = TILE_WIDTH.bit_length()


class Edge:
    """The partial tile of each level, the partial bundle, and the size of the log.

    Its memory and the cost of a batch do not grow with the log, but for one level of tiles each
    time that it gets 256 times as large.
    """

    def __init__(self, size: int, levels: list[list[bytes]], entries: list[bytes]) -> None:
        self.size = size
        self._levels = levels
        self._entries = entries

    @classmethod
    def load(cls, storage: Storage, size: int) -> Self:
        """Read the edge of the log of this size. Raises `DamagedError`."""
        levels: list[list[bytes]] = []
        while count := size >> (8 * len(levels)):
            data = _partial(storage, Tile(len(levels), count // TILE_WIDTH, count % TILE_WIDTH))
            levels.append([data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)])
            if len(levels[-1]) != count % TILE_WIDTH:
                raise DamagedError(f"a tile of level {len(levels) - 1} has another length")
        entries = split_bundle(_partial(storage, Tile(None, size // TILE_WIDTH, size % TILE_WIDTH)))
        if [leaf_hash(entry) for entry in entries] != (levels[0] if levels else []):
            raise DamagedError("the newest bundle and the newest tile do not belong together")
        return cls(size, levels, entries)

    def grown(self, leaves: Iterable[bytes]) -> tuple["Edge", dict[str, bytes]]:
        """Return the edge after these entries, and the tiles and bundles that they make."""
        levels = [list(level) for level in self._levels]
        entries = list(self._entries)
        size = self.size
        made: dict[str, bytes] = {}
        changed: set[int] = set()
        for leaf in leaves:
            entries.append(leaf)
            size += 1
            if len(entries) == TILE_WIDTH:
                made[Tile(None, size // TILE_WIDTH - 1).path] = bundle(entries)
                entries = []
            _add(levels, leaf_hash(leaf), size, made, changed)
        if entries and size > self.size:
            made[Tile(None, size // TILE_WIDTH, len(entries)).path] = bundle(entries)
        for level in sorted(changed):
            if hashes := levels[level]:
                index = (size >> (8 * level)) // TILE_WIDTH
                made[Tile(level, index, len(hashes)).path] = b"".join(hashes)
        return Edge(size, levels, entries), made

    def root(self) -> bytes:
        """Return the root of the tree, from the perfect subtrees under the edge."""
        subtrees = [s for level in reversed(self._levels) for s in _perfect(level)]
        if not subtrees:
            return EMPTY_ROOT
        right = subtrees[-1]
        for left in reversed(subtrees[:-1]):
            right = node_hash(left, right)
        return right


def _add(
    levels: list[list[bytes]], hash_: bytes, size: int, made: dict[str, bytes], changed: set[int]
) -> None:
    """Add a leaf's hash to level 0, and to each level above that it completes a hash of."""
    level = 0
    while True:
        if level == len(levels):
            levels.append([])
        levels[level].append(hash_)
        changed.add(level)
        if len(levels[level]) < TILE_WIDTH:
            return
        index = (size >> (8 * level)) // TILE_WIDTH - 1
        made[Tile(level, index).path] = b"".join(levels[level])
        (hash_,) = _perfect(levels[level])
        levels[level] = []
        level += 1


def _perfect(hashes: list[bytes]) -> Iterator[bytes]:
    """Yield the roots of the perfect subtrees over these nodes of one level, the largest first."""
    start = 0
    for bit in reversed(range(_BITS)):
        width = 1 << bit
        if len(hashes) & width:
            nodes = hashes[start : start + width]
            while len(nodes) > 1:
                nodes = [node_hash(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
            yield nodes[0]
            start += width


def _partial(storage: Storage, tile: Tile) -> bytes:
    if tile.width == 0:
        return b""
    stored = storage.get(tile.path)
    if stored is None:
        raise DamagedError(f"{tile.path} is missing")
    return stored.data
