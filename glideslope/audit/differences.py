"""Where a bundle or a tile differs from what was logged: each difference with its place.

What is right is known by then, as the hashes of the entries that were logged.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from glideslope.audit.findings import Finding, Problem

HASH: Final = 32
_LENGTH: Final = 2
_NAMED_ONE_BY_ONE: Final = 3

EventOf = Callable[[bytes], str | None]
"""Tells which event an entry is about, as far as it says."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries of a bundle, and what is left where it does not come out even."""

    whole: list[bytes]
    rest: bytes

    @classmethod
    def split(cls, raw: bytes) -> "Bundle":
        """Take a bundle apart: each entry is a big-endian uint16 length, and its bytes."""
        whole: list[bytes] = []
        at = 0
        while at + _LENGTH <= len(raw):
            end = at + _LENGTH + int.from_bytes(raw[at : at + _LENGTH], "big")
            if end > len(raw):
                break
            whole.append(raw[at + _LENGTH : end])
            at = end
        return cls(whole, raw[at:])


def hashes(raw: bytes) -> list[bytes]:
    """Return the hashes of a tile."""
    return [raw[at : at + HASH] for at in range(0, len(raw) - HASH + 1, HASH)]


def of_entries(  # noqa: PLR0913, PLR0917 - a bundle, and what is right about it
    name: str,
    start: int,
    bundle: Bundle,
    said: Sequence[bytes],
    true: Sequence[bytes],
    event_of: EventOf,
) -> Iterator[Finding]:
    """Yield the entries whose hashes, `said`, are not the `true` ones."""
    wrong = _different(said, true)
    for place in wrong[:_NAMED_ONE_BY_ONE]:
        yield Finding(
            Problem.ENTRY,
            name,
            "its bytes are not those that were logged",
            start + place,
            event_of(bundle.whole[place]),
        )
    yield from _and_more(Problem.ENTRY, name, start, wrong)


def of_end(name: str, start: int, bundle: Bundle, full: int, size: int) -> Iterator[Finding]:
    """Say where a bundle of `full` entries is cut off, or that it goes on."""
    if len(bundle.whole) < full:
        at = start + len(bundle.whole)
        what = f"the bundle is cut off in entry {at}: {full} entries belong into it"
        yield Finding(Problem.ENTRY, name, what, at if at < size else None)
    elif len(bundle.whole) > full or bundle.rest:
        yield Finding(Problem.ENTRY, name, f"the bundle goes on after its {full} entries")


def of_leaf_tile(
    name: str, start: int, raw: bytes, true: Sequence[bytes], full: int
) -> Iterator[Finding]:
    """Yield what is wrong with a tile of level 0 that has `full` hashes."""
    yield from of_length(name, raw, full)
    wrong = _different(hashes(raw), true)
    for place in wrong[:_NAMED_ONE_BY_ONE]:
        yield Finding(Problem.TILE, name, "its hash is not that of the entry", start + place)
    yield from _and_more(Problem.TILE, name, start, wrong)


def of_length(name: str, raw: bytes, width: int) -> Iterator[Finding]:
    """Say that a tile is too long or too short for `width` hashes."""
    if len(raw) != width * HASH:
        what = f"it has {len(raw)} bytes, and {width} hashes make {width * HASH}"
        yield Finding(Problem.TILE, name, what)


def of_beginning(name: str, start: int, raw: bytes, right: bytes) -> Iterator[Finding]:
    """Say where a partial tile of level 0 is not the beginning of the one it grew into."""
    if raw == right:
        return
    wrong = _different(hashes(raw), hashes(right))
    place = wrong[0] if wrong else min(len(raw), len(right)) // HASH
    what = "it is not the beginning of the tile that it grew into"
    yield Finding(Problem.TILE, name, what, start + place)


def of_upper_tile(
    name: str, first: int, covers: int, raw: bytes, right: Sequence[bytes]
) -> Finding:
    """Say which hash of a tile above level 0 is wrong.

    Each covers that many entries; `first` is the first entry below the tile.
    """
    own = hashes(raw)
    place = next((place for place, its in enumerate(right) if own[place : place + 1] != [its]), 0)
    entry = first + place * covers
    what = (
        f"its hash {place}, over entries {entry} to {entry + covers - 1}, is not the one "
        "recomputed from them"
    )
    return Finding(Problem.TILE, name, what, entry)


def _different(own: Sequence[bytes], right: Sequence[bytes]) -> list[int]:
    return [place for place, (a, b) in enumerate(zip(own, right, strict=False)) if a != b]


def _and_more(problem: Problem, name: str, start: int, wrong: Sequence[int]) -> Iterator[Finding]:
    more = wrong[_NAMED_ONE_BY_ONE:]
    if more:
        what = f"{len(more)} more differ, up to entry {start + more[-1]}"
        yield Finding(problem, name, what, start + more[0])
