"""Proof that an entry is in a log, as a text that any C2SP tool reads (tlog-proof)."""

import base64
from functools import lru_cache
from typing import Final

from glideslope.audit.objects import MissingObjectError, Objects
from services.audit.tlog.merkle import HASH_BYTES, check_inclusion, inclusion_proof, leaf_hash, root
from services.audit.tlog.note import Checkpoint, Note
from services.audit.tlog.paths import TILE_HEIGHT, TILE_WIDTH, Tile

_TILES_AT_HAND: Final = 64


class TileNodes:
    """The hashes of a tree's nodes, from the tiles of a log that has this size."""

    def __init__(self, objects: Objects, size: int) -> None:
        self._objects = objects
        self._size = size
        self._tile = lru_cache(maxsize=_TILES_AT_HAND)(self._read)

    def __call__(self, level: int, index: int) -> bytes:
        """Return a node's hash. Raises `MissingObjectError`, `UnreadableObjectError`."""
        row, above = divmod(level, TILE_HEIGHT)
        first = index << above
        hashes = self._tile(row, first // TILE_WIDTH)
        place = first % TILE_WIDTH
        return root(hashes[place : place + (1 << above)])

    def _read(self, row: int, index: int) -> list[bytes]:
        width = min(TILE_WIDTH, (self._size >> (TILE_HEIGHT * row)) - index * TILE_WIDTH)
        try:
            raw = self._objects.read(Tile(row, index, width).path)
        except MissingObjectError:  # a full one has replaced it
            raw = self._objects.read(Tile(row, index).path)
        return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def prove(objects: Objects, note: Note, index: int, leaf: bytes) -> str:
    """Return the proof that `leaf` is entry `index` under the checkpoint in `note`.

    Raises `ProofError` where it is not, and what reading the tiles raises.
    """
    checkpoint = Checkpoint.parse(note.text)
    path = inclusion_proof(index, checkpoint.size, TileNodes(objects, checkpoint.size))
    check_inclusion(index, checkpoint.size, leaf_hash(leaf), path, checkpoint.root)
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}"]
    lines += [base64.b64encode(each).decode() for each in path]
    return "\n".join([*lines, "", bytes(note).decode()])
