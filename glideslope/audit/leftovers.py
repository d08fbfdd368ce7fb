"""Objects that the log's checkpoint does not account for.

A writer that died, or is at work, leaves the beginning of an append: bundles and tiles past the
checkpoint, which continue what is there. Everything else was put there by somebody else.
"""

from collections.abc import Iterable
from typing import Final

from glideslope.audit.findings import Finding, Problem
from services.audit.tlog.paths import TILE_WIDTH, BadPathError, Tile

_APPEND_AT_MOST: Final = 65_536
"""No append is longer, in entries: what lies farther past the checkpoint is none."""


def judge_leftovers(names: Iterable[str], size: int) -> list[Finding]:
    """Return what is to be said of objects that a log of `size` entries does not need."""
    return [_judge(name, size) for name in sorted(names)]


def _judge(name: str, size: int) -> Finding:
    try:
        tile = Tile.of(name)
    except BadPathError:
        return Finding(Problem.ORPHAN, name, "no entry and no checkpoint refers to it")
    covers = TILE_WIDTH ** (tile.level or 0)
    end = (tile.index * TILE_WIDTH + tile.width) * covers
    if size < end <= size + _APPEND_AT_MOST:
        what = (
            f"it belongs to an append that would make {end} entries or more, and the newest "
            f"checkpoint has {size}: the writer is at work or was stopped, or a checkpoint was "
            "taken away. Let audit finish it, then check again"
        )
        return Finding(Problem.UNFINISHED, name, what)
    return Finding(Problem.ORPHAN, name, f"a log of {size} entries never had it")
