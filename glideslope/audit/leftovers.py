"""Objects that the checkpoint does not account for.

A writer that is at work, or died, leaves the beginning of an append: records, bundles and tiles
past the checkpoint. What no append explains was put there by somebody else.
"""

import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.leaves import BadFormError, read_leaf
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from services.audit.tlog.note import Checkpoint, Note, NoteError
from services.audit.tlog.paths import (
    BLOBS,
    CHECKPOINT,
    TILE_WIDTH,
    BadBundleError,
    BadPathError,
    Tile,
    checkpoint_path,
    first_of_pack,
    pack_path,
    split_bundle,
    tiles,
)

_PATIENCE_SECONDS: Final = 2.0
"""A writer at work finishes an append sooner."""
_LOOK_AGAIN_SECONDS: Final = 0.05

_APPEND_AT_MOST: Final = 65_536
"""No append is longer, in entries: what lies farther past the checkpoint is none."""


def judge_leftovers(objects: Objects, names: AbstractSet[str], size: int) -> list[Finding]:
    """Return what is to be said of objects that a log of `size` entries does not need.

    The log may have grown since: what the newer entries need is left to the next check.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while names:
        begun = objects.unfinished()  # before the checkpoint, which then covers what is not in it
        left = names - _grown(objects, size)
        if not left & begun or time.monotonic() > deadline:
            return [_judge(name, size, begun) for name in sorted(left)]
        time.sleep(_LOOK_AGAIN_SECONDS)
    return []


def _grown(objects: Objects, size: int) -> set[str]:
    """Return the names of what was added since the log had `size` entries."""
    try:
        newer = Checkpoint.parse(Note.parse(objects.read(CHECKPOINT)).text).size
        if newer <= size:
            return set()
        return {
            *_bundles_and_blobs(objects, size, newer),
            *_narrower(tiles(newer, size)),
            checkpoint_path(size),
        }
    except (BadBundleError, BadFormError, MissingObjectError, NoteError, UnreadableObjectError):
        return set()  # what is wrong with it, the next check will find


def _narrower(grown: Iterable[Tile]) -> Iterable[str]:
    """Yield the names of tiles, and of what each was while it grew."""
    for tile in grown:
        for width in range(1, tile.width + 1):
            yield Tile(tile.level, tile.index, width).path


def _bundles_and_blobs(objects: Objects, size: int, newer: int) -> Iterable[str]:
    for number in range(size // TILE_WIDTH, -(-newer // TILE_WIDTH)):
        tile = Tile(None, number, min(TILE_WIDTH, newer - number * TILE_WIDTH))
        try:
            raw = objects.read(tile.path)
        except MissingObjectError:  # a full one has replaced it meanwhile
            raw = objects.read(Tile(None, number).path)
        for width in range(1, TILE_WIDTH + 1):
            for level in (None, 0):
                yield Tile(level, number, width).path
        for entry in split_bundle(raw):
            yield pack_path(read_leaf(entry).pack)


def _judge(name: str, size: int, begun: AbstractSet[str]) -> Finding:
    if name in begun:
        what = "it belongs to an append that was begun and not finished: start audit, it will be"
        return Finding(Problem.UNFINISHED, name, what)
    try:
        end = _end(name)
    except BadPathError:
        return Finding(Problem.ORPHAN, name, "no entry and no checkpoint refers to it")
    if size < end <= size + _APPEND_AT_MOST:
        what = (
            f"it belongs to an append that would make {end} entries or more, and the newest "
            f"checkpoint has {size}: the writer is at work or was stopped, or a checkpoint was "
            "taken away. Let audit finish it, then check again"
        )
        return Finding(Problem.UNFINISHED, name, what)
    return Finding(Problem.ORPHAN, name, f"a log of {size} entries never had it")


def _end(name: str) -> int:
    """Return how many entries at least a log has with this object. Raises `BadPathError`."""
    if name.startswith(BLOBS):
        return first_of_pack(name) + 1
    tile = Tile.of(name)
    covers: int = TILE_WIDTH ** (tile.level or 0)
    return (tile.index * TILE_WIDTH + tile.width) * covers
