"""Stretches of a text that something is said of, and the text cut at their ends. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

FLAG: Final = "flag"
"""Words of the answer that a check is about."""
QUOTE: Final = "quote"
"""Words of a passage that the answer quotes."""
COMPARED: Final = "compared"
"""Figure of a passage that a check held one of the answer against."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` to `end` of a text. `kind` is how it looks; `name` what it is or says."""

    start: int
    end: int
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with all the marks that cover it."""

    text: str
    marks: tuple[Mark, ...] = ()

    def of(self, kind: str) -> tuple[Mark, ...]:
        """Return its marks of a kind."""
        return tuple(mark for mark in self.marks if mark.kind == kind)


def pieces(text: str, marks: Iterable[Mark], start: int = 0, end: int | None = None) -> list[Piece]:
    """Cut a text, or characters `start` to `end` of it, wherever a mark begins or ends.

    What a mark says beyond the text's ends is nothing.
    """
    end = len(text) if end is None else min(end, len(text))
    within = [m for m in marks if m.start < m.end and m.start < end and m.end > start]
    edges = {start, end}
    for mark in within:
        edges |= {max(mark.start, start), min(mark.end, end)}
    cuts = sorted(edges)
    return [
        Piece(text[a:b], tuple(m for m in within if m.start <= a and b <= m.end))
        for a, b in pairwise(cuts)
    ]


def find(text: str, part: str) -> tuple[int, int] | None:
    """Return where a part stands in a text, whatever white space is between its words."""
    if (at := text.find(part)) >= 0 and part:
        return at, at + len(part)
    words = part.split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    return None if found is None else found.span()


def covers(marks: Sequence[Mark], start: int, end: int) -> tuple[Mark, ...]:
    """Return the marks that have any of the characters `start` to `end`."""
    return tuple(mark for mark in marks if mark.start < end and mark.end > start)
