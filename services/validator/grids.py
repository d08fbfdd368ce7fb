"""Tables within a text, whatever they look like, as lines: heads, sections, rows of cells.

Read are rows with delimiters (Markdown, pipes, tabs, semicolons, quoted commas), nested lists as
JSON or Python write them, and what is left of a table when a page is read as plain text: a label
with its values behind it, or each on a line of its own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one cell and where it starts; empty where the table has nothing."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what its first column says, and the other columns.

    `placed`: the n-th cell is certainly of the n-th column; else cells may be missing.
    """

    label: Cell
    cells: tuple[Cell, ...]
    placed: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """One table from `start` to `end` of its text."""

    lines: tuple[Line, ...]
    start: int
    end: int


_RULE: Final = re.compile(r"[\s|:+=\u2014-]*")
_LIST: Final = re.compile(r"\[\s{0,4}\[")
_TOKEN: Final = re.compile(r"\[|\]|\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|[^\[\],\s\"']++|,")
_QUOTED: Final = re.compile(r"\"(?:[^\"\n]|\"\")*+\"|[^,\n]*+")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)")
_DELIMITERS: Final = (
    ("|", re.compile(r"\|")),
    ("\t", re.compile(r"\t")),
    (" ; ", re.compile(r"\s?;(?:\s|$)")),
)
_MOST_LINES: Final = 2_000
_LONGEST: Final = 140


def grids_of(text: str) -> Iterator[Grid]:
    """Return the tables of a text in their order."""
    position = 0
    for match in _LIST.finditer(text):
        if match.start() < position:
            continue
        found = _nested(text, match.start())
        if found:
            yield from _written(text, position, found.start)
            yield found
            position = found.end
    yield from _written(text, position, len(text))


def _nested(text: str, start: int) -> Grid | None:
    """Read a list of lists from `start` on."""
    depth, rows, row = 0, [], []
    for match in _TOKEN.finditer(text, start):
        token = match[0]
        if token == "[":
            depth += 1
            row = []
        elif token == "]":
            depth -= 1
            if depth == 1:
                rows.append(row)
            if depth == 0:
                lines = tuple(_line(cells, placed=True) for cells in rows if cells)
                return Grid(lines, start, match.end()) if lines else None
        elif token != ",":
            quoted = token[0] in "\"'" and len(token) > 1
            inner = _ESCAPE.sub(_unescaped, token[1:-1]) if quoted else token
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
    plain = _Plain()
    first = last = start
    position = start
    for piece in text[start:end].splitlines(keepends=True):
        begin, position = position, position + len(piece)
        delimited = _delimited(piece, begin)
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
    return Grid(tuple(block), start, end)


def _delimited(piece: str, begin: int) -> list[Cell] | None:
    """Return the cells of a row with delimiters; none of a rule; None for any other line."""
    for mark, pattern in _DELIMITERS:
        if mark not in piece:
            continue
        if mark == " ; " and (piece.count(mark) < 2 or " is " in piece):  # noqa: PLR2004 - a sentence has one
            continue
        if _RULE.fullmatch(piece) and "-" in piece:
            return []
        cells = list(_split(piece, begin, pattern))
        return cells if len(cells) > 1 else None
    if '","' in piece or ',"' in piece:
        cells = [
            Cell(m[0].strip('" \n').replace('""', '"'), begin + m.start())
            for m in _QUOTED.finditer(piece.rstrip("\n"))
            if m[0] or m.start() == 0 or piece[m.start() - 1] == ","
        ]
        return cells if len(cells) > 1 else None
    return None


def _split(piece: str, begin: int, pattern: re.Pattern[str]) -> Iterator[Cell]:
    position = 0
    for match in [*pattern.finditer(piece), None]:
        end = match.start() if match else len(piece)
        part = piece[position:end]
        yield Cell(part.strip(), begin + position + len(part) - len(part.lstrip()))
        position = match.end() if match else end


_VALUE: Final = re.compile(
    r"[$€£¥]?[-\u2212\u2013+]?[$€£¥]?(?:\d[\d,]*+(?:\.\d++)?|\.\d++)%?,?"
    r"|[$€£¥]?\([-\u2212\u2013]?[$€£¥]{0,2}(?:\d[\d,]*+(?:\.\d++)?|\.\d++)%?\)?%?,?"
    r"|[-\u2013\u2014]{1,3}|[$€£¥()%]|RMB|bps|NM|N/A|n/a"
)
_SPACE: Final = re.compile(r"\S+")
_LETTER: Final = re.compile(r"[^\W\d_]{2}")
_NUMBER: Final = re.compile(r"\d")
_RUNNING: Final = re.compile(
    r"(?:\b(?:in|of|was|were|to|at|by|for|from|and|or|the|a|an|is|are|than|with|approximately|about"
    r"|over|nearly|had|totaled|than|versus|vs|note|notes|page|item|section|until|since|fiscal|year|ended)"
    r"|[=*/+])\s*\Z",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\s*\Z",
    re.IGNORECASE,
)
_WORDIEST: Final = 14
_FEW_WORDS: Final = 7
"""A line with fewer spaces that ends in a full stop may still be a table's head ('Comp.')."""


class _Plain:
    """Collects the lines of plain text that look like a table's."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._pending: Cell | None = None
        self._values: list[Cell] = []
        self._end = 0

    def add(self, piece: str, begin: int) -> None:
        """Take the next line."""
        text = piece.strip()
        if not text:
            return
        label, values = _parts(piece, begin)
        ends = text.endswith((".", ";")) and text.count(" ") >= _FEW_WORDS
        if len(text) > _LONGEST or (ends and not values):
            self._close()
            self._pending = None
            return
        if label.text:
            self._close()
            if self._pending:
                self._lines.append(Line(self._pending, (), placed=False))
            self._pending = label
        if values:
            self._values += values
            self._end = begin + len(piece)

    def finish(self) -> Iterator[Grid]:
        """Return the table that was collected, and begin anew."""
        self._close()
        self._pending = None
        if any(line.cells for line in self._lines):
            yield Grid(tuple(self._lines), self._lines[0].label.start, self._end)
        self._lines = []

    def _close(self) -> None:
        """End the row whose values were being read."""
        if self._values:
            label = self._pending or Cell("", self._values[0].start)
            self._lines.append(Line(label, tuple(self._values), placed=False))
            self._pending, self._values = None, []


def _parts(piece: str, begin: int) -> tuple[Cell, list[Cell]]:
    """Split a line into its label and the values at its end."""
    tokens = list(_SPACE.finditer(piece))
    first = len(tokens)
    while first and _VALUE.fullmatch(tokens[first - 1][0]):
        first -= 1
    start = tokens[0].start() if tokens else 0
    cut = tokens[first].start() if first < len(tokens) else len(piece)
    label = piece[start:cut].strip()
    numeric = any(_NUMBER.search(t[0]) for t in tokens[first:])
    if label and (
        not _LETTER.search(label)
        or _runs_on(label, tokens[first:])
        or first > _WORDIEST
        or not numeric
    ):
        return Cell(piece.strip(), begin + start), []
    return Cell(label, begin + start), list(_values(piece, begin, tokens[first:]))


def _runs_on(label: str, values: list[re.Match[str]]) -> bool:
    """Say whether a line is running text that happens to end in a number."""
    if _MONTH.search(label):
        return True
    return _RUNNING.search(label) is not None and sum(t[0][-1].isdigit() for t in values) < 2  # noqa: PLR2004 - a row's values


def _values(piece: str, begin: int, tokens: list[re.Match[str]]) -> Iterator[Cell]:
    """Join a currency or percent sign that stands alone with its number."""
    start: int | None = None
    for index, token in enumerate(tokens):
        text = token[0]
        if start is None:
            start = token.start()
        following = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        opens = text in {"$", "€", "£", "¥", "(", "RMB"} or text.endswith("$")
        if not opens and following not in {"%", ")", "bps"}:
            yield Cell(piece[start : token.end()].rstrip(","), begin + start)
            start = None
