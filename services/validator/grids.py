"""Tables within a text, whatever they look like, as lines: heads, sections, rows of cells.

Read are rows with delimiters (Markdown, pipes, tabs, semicolons, commas), HTML, nested lists as
JSON or Python write them, and what is left of a table when a page is read as plain text: a label
with its values behind it, or each on a line of its own.
"""

import re
from collections.abc import Iterator
from typing import Final

from services.validator.grid import Cell, Grid, Line
from services.validator.leftovers import Leftovers
from services.validator.markup import html_tables

_RULE: Final = re.compile(r"[\s|:+=\u2014-]*")
_LIST: Final = re.compile(r"\[\s{0,4}\[")
_TOKEN: Final = re.compile(r"\[|\]|\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|[^\[\],\s\"']++|,")
_QUOTED: Final = re.compile(r"\"(?:[^\"\n]|\"\")*+\"|[^,\n]*+")
_COMMAS: Final = re.compile(r"[^,\n]{0,80}(?:,[^,\s][^,\n]{0,40}|,){2,60}+\s*\Z")
"""A line of comma-separated values: no space behind its commas, as a sentence has."""
_QUOTES: Final = re.compile(r",\"(?![\s.])|\",(?=\S)|\A\"[^\"\n]*+\",")
_GROUPED: Final = re.compile(r"\d,\d{3}(?!\d)")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)")
_DELIMITERS: Final = (
    ("|", re.compile(r"\|")),
    ("\t", re.compile(r"\t")),
    (" ; ", re.compile(r"\s?;(?:\s|$)")),
)
_MOST_LINES: Final = 2_000


def grids_of(text: str) -> Iterator[Grid]:
    """Return the tables of a text in their order."""
    position = 0
    for found in _marked(text):
        yield from _written(text, position, found.start)
        yield found
        position = found.end
    yield from _written(text, position, len(text))


def _marked(text: str) -> Iterator[Grid]:
    """Return the tables whose begin and end are marked: nested lists and HTML."""
    if "<t" in text or "<T" in text:
        yield from html_tables(text, 0)
        return
    position = 0
    for match in _LIST.finditer(text):
        if match.start() >= position and (found := _nested(text, match.start())):
            yield found
            position = found.end


def _nested(text: str, start: int) -> Grid | None:
    """Read a list of lists from `start` on."""
    depth = 0
    rows: list[list[Cell]] = []
    row: list[Cell] = []
    for match in _TOKEN.finditer(text, start):
        piece = match[0]
        if piece == "[":
            depth += 1
            row = []
        elif piece == "]":
            depth -= 1
            if depth == 1:
                rows.append(row)
            if depth == 0:
                lines = tuple(_line(cells, placed=True) for cells in rows if cells)
                return Grid(lines, start, match.end()) if lines else None
        elif piece != ",":
            quoted = piece[0] in "\"'" and len(piece) > 1
            inner = _ESCAPE.sub(_unescaped, piece[1:-1]) if quoted else piece
            row.append(Cell("" if inner in {"None", "null"} else inner, match.start() + quoted))
        if depth > 2 or len(rows) > _MOST_LINES:  # noqa: PLR2004 - rows of cells, no deeper
            return None
    return None


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else " " if match[2] in "nt" else match[2]


def _line(cells: list[Cell], *, placed: bool) -> Line:
    return Line(cells[0], tuple(cells[1:]), placed)


def _written(text: str, start: int, end: int) -> Iterator[Grid]:
    """Return the tables that a stretch of text has as lines."""
    block: list[Line] = []
    plain = Leftovers()
    first = last = start
    position = start
    for piece in text[start:end].splitlines(keepends=True):
        begin, position = position, position + len(piece)
        delimited = _delimited(piece, begin, len(block[-1].cells) if block else 0)
        if delimited is None:
            if block and piece.strip():
                yield _bordered(block, first, last)
                block = []
            if not block:
                plain.add(piece, begin)
            continue
        if not block:
            yield from plain.finish()
            first = begin
        last = position
        if delimited:
            block.append(_line(delimited, placed=True))
    if block:
        yield _bordered(block, first, last)
    yield from plain.finish()


def _bordered(block: list[Line], start: int, end: int) -> Grid:
    """Return a grid; where each row starts with a delimiter, that is the table's border."""
    if all(not line.label.text and len(line.cells) > 1 for line in block):
        block = [Line(line.cells[0], line.cells[1:], line.placed) for line in block]
        if all(len(line.cells) > 1 and not line.cells[-1].text for line in block):
            block = [Line(line.label, line.cells[:-1], line.placed) for line in block]
    return Grid(tuple(block), start, end)


def _delimited(piece: str, begin: int, before: int) -> list[Cell] | None:
    """Return the cells of a row with delimiters; none of a rule; None for any other line.

    `before`: how many cells the row before it has beside its label.
    """
    for mark, pattern in _DELIMITERS:
        if mark not in piece:
            continue
        if mark == " ; " and (piece.count(mark) < 2 or " is " in piece):  # noqa: PLR2004 - a sentence has one
            continue
        if _RULE.fullmatch(piece) and "-" in piece:
            return []
        cells = list(_split(piece, begin, pattern))
        return cells if len(cells) > 1 else None
    return _comma_separated(piece, begin, before)


def _comma_separated(piece: str, begin: int, before: int) -> list[Cell] | None:
    """Return the cells of a row with commas: where any is quoted, or all rows have as many."""
    if "," not in piece:
        return None
    if '"' not in piece or _QUOTES.search(piece) is None:
        if not _COMMAS.match(piece):
            return None
        if _GROUPED.search(piece) and piece.count(",") != before:  # '1,200,300' may be one number
            return None
    cells = [
        Cell(m[0].strip('" \n').replace('""', '"'), begin + m.start())
        for m in _QUOTED.finditer(piece.rstrip("\r\n"))
        if m[0] or m.start() == 0 or piece[m.start() - 1] == ","
    ]
    return cells if len(cells) > 1 else None


def _split(piece: str, begin: int, pattern: re.Pattern[str]) -> Iterator[Cell]:
    position = 0
    for match in [*pattern.finditer(piece), None]:
        end = match.start() if match else len(piece)
        part = piece[position:end]
        yield Cell(part.strip(), begin + position + len(part) - len(part.lstrip()))
        position = match.end() if match else end
