"""The right edge of a log's tiles: all that appending needs to know of what is there."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self

from services.audit.log import DamagedError
from services.audit.tlog.merkle import HASH_BYTES, Frontier, leaf_hash, node_hash
from services.audit.tlog.paths import TILE_WIDTH, Tile, bundle, bundles, split_bundle, tiles
from services.audit.tlog.storage import Stored

_BITS: Final = TILE_WIDTH.bit_length()

Get = Callable[[str], Stored | None]
"""Gives an object by its path, as `Storage.get` does."""


class Edge:
    """The partial tile of each level, the partial bundle, and the size of the log.

    Its memory and the cost of a batch do not grow with the log, but for one level of tiles each
    time that it gets 256 times as large.
    """

    def __init__(self, size: int, levels: list[list[bytes]], entries: list[bytes]) -> None:
        self.size = size
        self._levels = levels
        self._entries = entries
        subtrees = [each for level in reversed(levels) for each in _perfect(level)]
        self._frontier = Frontier(size, subtrees)
        self._made: dict[str, bytes] = {}
        self._since = size

    @classmethod
    def load(cls, get: Get, size: int) -> Self:
        """Read the edge of the log of this size. Raises `DamagedError`."""
        levels: list[list[bytes]] = []
        while count := size >> (8 * len(levels)):
            data = _partial(get, Tile(len(levels), count // TILE_WIDTH, count % TILE_WIDTH))
            levels.append([data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)])
            if len(levels[-1]) != count % TILE_WIDTH:
                raise DamagedError(f"a tile of level {len(levels) - 1} has another length")
        newest = Tile(None, size // TILE_WIDTH, size % TILE_WIDTH)
        entries = split_bundle(_partial(get, newest))
        if [leaf_hash(entry) for entry in entries] != (levels[0] if levels else []):
            raise DamagedError(f"{newest.path} and the tile of its hashes do not belong together")
        return cls(size, levels, entries)

    def root(self) -> bytes:
        """Return the root of the tree."""
        return self._frontier.root()

    def grow(self, leaves: Iterable[bytes]) -> None:
        """Add entries."""
        for leaf in leaves:
            hash_ = leaf_hash(leaf)
            self._entries.append(leaf)
            self.size += 1
            self._frontier.append(hash_)
            if len(self._entries) == TILE_WIDTH:
                self._made[Tile(None, self.size // TILE_WIDTH - 1).path] = bundle(self._entries)
                self._entries = []
            self._add(hash_)

    def take(self) -> dict[str, bytes]:
        """Return the tiles and bundles of this size that were not there when it was called last."""
        made, self._made = self._made, {}
        for tile in (*bundles(self.size, self._since), *tiles(self.size, self._since)):
            if tile.width < TILE_WIDTH:
                partial = (
                    bundle(self._entries)
                    if tile.level is None
                    else b"".join(self._levels[tile.level])
                )
                made[tile.path] = partial
        self._since = self.size
        return made

    def _add(self, hash_: bytes) -> None:
        """Add a leaf's hash to level 0, and to each level above that it completes a hash of."""
        level = 0
        while True:
            if level == len(self._levels):
                self._levels.append([])
            hashes = self._levels[level]
            hashes.append(hash_)
            if len(hashes) < TILE_WIDTH:
                return
            index = (self.size >> (8 * level)) // TILE_WIDTH - 1
            self._made[Tile(level, index).path] = b"".join(hashes)
            (hash_,) = _perfect(hashes)
            self._levels[level] = []
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


def _partial(get: Get, tile: Tile) -> bytes:
    if tile.width == 0:
        return b""
    stored = get(tile.path)
    if stored is None:
        raise DamagedError(f"{tile.path} is missing")
    return stored.data
