"""Where the objects of a log stand (C2SP tlog-tiles), and what is in tiles and bundles.

checkpoint                       the newest signed tree head
tile/<L>/<N>[.p/<W>]             the hashes of level 8L, 256 in a full tile, W in a partial one
tile/entries/<N>[.p/<W>]         the entries of the tile <N> of level 0
checkpoints/<size>               signed tree heads of before
blobs/<N>                        encrypted records, one after the other, from entry N on: a pack
keys/<n>                         the public keys that signed the log, in order
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
MAX_ENTRY_BYTES: Final = 65_535
CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints/"
BLOBS: Final = "blobs/"
KEYS: Final = "keys/"

_TILE = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_PACK = re.compile(rf"{BLOBS}((?:x[0-9]{{3}}/)*[0-9]{{3}})")


class BadPathError(ValueError):
    """Not a path of a tile, a bundle or a pack."""


class BadBundleError(ValueError):
    """Not the bytes of a bundle of entries."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile, or with level None a bundle of entries. Its width is 256 unless it is partial."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Its path, relative to the log."""
        level = "entries" if self.level is None else str(self.level)
        partial = f".p/{self.width}" if self.width < TILE_WIDTH else ""
        return f"tile/{level}/{index_path(self.index)}{partial}"

    @classmethod
    def of(cls, path: str) -> "Tile":
        """Read a path. Raises `BadPathError` where it is not the one that the tile would have."""
        match = _TILE.fullmatch(path)
        if match is None:
            raise BadPathError(f"{path} is no path of a tile")
        tile = cls(
            level=None if match["level"] == "entries" else int(match["level"]),
            index=int(match["index"].replace("x", "").replace("/", "")),
            width=int(match["width"] or TILE_WIDTH),
        )
        if tile.path != path:
            raise BadPathError(f"{path} should be {tile.path}")
        return tile


def index_path(index: int) -> str:
    """Return an index in groups of three digits: 1234067 is x001/x234/067."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the hash tiles of a log of `size` entries that one of `since` entries had not.

    Full and partial, level by level, from left to right.
    """
    level = 0
    while size >> (TILE_HEIGHT * level):
        yield from _row(level, size >> (TILE_HEIGHT * level), since >> (TILE_HEIGHT * level))
        level += 1


def bundles(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the bundles of a log of `size` entries that one of `since` entries had not."""
    yield from _row(None, size, since)


def _row(level: int | None, hashes: int, since: int) -> Iterator[Tile]:
    if hashes == since:
        return
    for index in range(since // TILE_WIDTH, hashes // TILE_WIDTH):
        yield Tile(level, index)
    if width := hashes % TILE_WIDTH:
        yield Tile(level, hashes // TILE_WIDTH, width)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of a bundle: each entry after its length, a big-endian uint16.

    Raises `BadBundleError` for an entry that is too long.
    """
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise BadBundleError(f"an entry is longer than {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def split_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises `BadBundleError`."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise BadBundleError(f"entry {len(entries)} is cut short")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def pack_path(first: int) -> str:
    """Return the path of the pack whose first record is that of entry `first`."""
    return f"{BLOBS}{index_path(first)}"


def first_of_pack(path: str) -> int:
    """Read the path of a pack. Raises `BadPathError`."""
    match = _PACK.fullmatch(path)
    first = -1 if match is None else int(match[1].replace("x", "").replace("/", ""))
    if first < 0 or pack_path(first) != path:
        raise BadPathError(f"{path} is no path of a pack")
    return first


def checkpoint_path(size: int) -> str:
    """Return the path of the archived checkpoint of this size."""
    return f"{CHECKPOINTS}{size}"


def key_path(number: int) -> str:
    """Return the path of the log's key number `number`, from 0."""
    return f"{KEYS}{number:03}"
