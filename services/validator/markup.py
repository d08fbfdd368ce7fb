"""Tables in HTML, which converters of documents leave in text that is otherwise plain.

Own patterns rather than an HTML parser: a cell is cited by its place in the passage, which parsers
do not give, and only three tags matter.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from services.validator.grid import Cell, Grid, Line

_OPENING: Final = re.compile(r"<table(?![a-z])", re.IGNORECASE)
_CLOSING: Final = re.compile(r"</table", re.IGNORECASE)
_ROW: Final = re.compile(r"<tr(?![a-z])", re.IGNORECASE)
_CELL: Final = re.compile(r"<t[dh](?![a-z])([^<>]{0,400})>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]{0,400}>")
_SPANNED: Final = re.compile(r"colspan\s?=\s?[\"']?(\d{1,2})", re.IGNORECASE)


def html_tables(text: str, start: int) -> Iterator[Grid]:
    """Return the tables of a text in HTML from `start` on; one that never ends is none."""
    while (opening := _OPENING.search(text, start)) and (
        closing := _CLOSING.search(text, opening.end())
    ):
        start = closing.end()
        begins = [match.start() for match in _ROW.finditer(text, opening.end(), closing.start())]
        rows = zip(begins, [*begins[1:], closing.start()], strict=True)
        lines = tuple(line for begin, end in rows if (line := _line(text, begin, end)))
        if lines:
            yield Grid(lines, opening.start(), start)


def _line(text: str, begin: int, end: int) -> Line | None:
    opened = list(_CELL.finditer(text, begin, end))
    ends = [*(match.start() for match in opened[1:]), end]
    cells: list[Cell] = []
    for match, stop in zip(opened, ends, strict=False):
        raw = text[match.end() : stop]
        written = _TAG.sub(lambda tag: " " * len(tag[0]), raw)  # so that nothing moves
        first = match.end() + len(written) - len(written.lstrip())
        cells.append(Cell(" ".join(unescape(written).split()), first))
        if spanned := _SPANNED.search(match[1]):
            cells += [Cell("", first)] * (int(spanned[1]) - 1)
    return Line(cells[0], tuple(cells[1:]), placed=True) if cells else None
