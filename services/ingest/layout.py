"""The blocks of a text: headings, tables, and paragraphs, each as a span.

Tables are told by their look, in two forms: a row a line (pipes, tabs, gaps, or several numbers),
and a cell a line, as text taken from a PDF has them. All of it is linear in the text's length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

HEADING_MAX_CHARACTERS: Final = 120
"""A longer line is never a heading."""
HEADER_MAX_CHARACTERS: Final = 300
"""The part of a table that each piece of it repeats."""

_LABEL_MAX: Final = 200  # a longer line ends a table
_LABELS_MAX: Final = 6  # and so do more lines of mere text in a row
_ROWS_MIN: Final = 3  # fewer lines of figures are no table
_CAPTION_MAX: Final = 120  # a longer line above a table is not its caption
_CAPTIONS: Final = 2  # lines above the first row: a caption, the column titles
_CAPTIONS_OF_CELLS: Final = 8  # where each cell has its line, each column title has one too

_HASHES: Final = re.compile(r"#{1,6}\s+\S")
_NUMBERED: Final = re.compile(
    r"(?:§|(?i:article|section|chapter|part|item|annex|appendix)\s)\s*\d"
    r"|\d{1,3}(?:\.\d{1,3})*\.?\s+[^\W\d_]"
)
_FIGURES: Final = re.compile(r"[\s$€£¥%()\d.,'*/+\u2013\u2014-]+")
_FIGURE: Final = re.compile(r"\d|^\s*(?:[$€£¥%]|[\u2013\u2014-]{1,2})\s*$")
_NUMBER: Final = re.compile(r"\d[\d.,]*")
_DATE: Final = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s?\d{1,2}(?!\d)"
    r"|(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)",
    re.IGNORECASE,
)
_RULE: Final = re.compile(r"[\s|:+=-]+")
_FIGURES_SHARE: Final = 0.2
_GAP: Final = " " * 3  # between two cells; a sentence's end has two at most


class Kind(Enum):
    """What a block is."""

    HEADING = auto()
    TABLE = auto()
    PARAGRAPH = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the text: its span, and of a table the header that its pieces repeat."""

    kind: Kind
    start: int
    end: int
    header: str = ""


class _Look(Enum):
    BLANK = auto()
    TEXT = auto()
    ROW = auto()  # several numbers beside their label
    PIPED = auto()  # columns marked by pipes or tabs
    SPACED = auto()  # columns that stand apart, as a page has them
    CELL = auto()  # a number, or a mark for one, alone


_OF_TABLES: Final = frozenset({_Look.ROW, _Look.PIPED, _Look.SPACED, _Look.CELL})


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str
    look: _Look

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a text in order; between them is nothing but white space."""
    lines = list(_lines(text))
    headings = {at for at in range(len(lines)) if _is_heading(lines, at)}
    tables = dict(_tables(lines, headings))
    at = 0
    while at < len(lines):
        if at in tables:
            last = tables[at]
            header = _header(lines[at : last + 1])
            yield Block(Kind.TABLE, lines[at].start, lines[last].end, header)
        elif at in headings:
            last = at
            yield Block(Kind.HEADING, lines[at].start, lines[at].end)
        else:
            last = at
            while last + 1 < len(lines) and _goes_on(lines, last + 1, headings, tables):
                last += 1
            if lines[at].look is not _Look.BLANK:
                yield Block(Kind.PARAGRAPH, lines[at].start, lines[last].end)
        at = last + 1


def heading_text(text: str, block: Block) -> str:
    """Return the words of a heading."""
    return text[block.start : block.end].strip().strip("#").removeprefix("§").strip()


def _goes_on(lines: list[_Line], at: int, headings: set[int], tables: dict[int, int]) -> bool:
    starts_anew = at in headings or at in tables
    ends = _Look.BLANK in (lines[at].look, lines[at - 1].look)
    return not starts_anew and not ends


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for line in text.split("\n"):
        yield _Line(start, line, _look(line))
        start += len(line) + 1


def _look(line: str) -> _Look:
    if not line or line.isspace():
        return _Look.BLANK
    words = line.strip()
    piped = "\t" in words or line.count("|") > 1
    if piped or _GAP in words:
        return _Look.PIPED if piped else _Look.SPACED
    if len(line) > _LABEL_MAX:
        return _Look.TEXT
    if _FIGURES.fullmatch(line) and _FIGURE.search(line):
        return _Look.CELL
    if not line.endswith((".", ";")):
        numbers = _NUMBER.findall(_DATE.sub("", line))
        if len(numbers) > 1 and sum(map(len, numbers)) > _FIGURES_SHARE * len(line):
            return _Look.ROW
    return _Look.TEXT


def _is_heading(lines: list[_Line], at: int) -> bool:
    line = lines[at]
    if line.look not in (_Look.TEXT, _Look.ROW) or len(line.text) > HEADING_MAX_CHARACTERS:
        return False
    words = line.text.strip()
    if _HASHES.match(words):
        return True
    alone = _is_blank(lines, at - 1) and _is_blank(lines, at + 1)
    if not alone or words.endswith((".", ";", ",", ":")):
        return False
    return words.isupper() or _NUMBERED.match(words) is not None


def _is_blank(lines: list[_Line], at: int) -> bool:
    return not 0 <= at < len(lines) or lines[at].look is _Look.BLANK


def _tables(lines: list[_Line], headings: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last line of each table."""
    free = 0  # the first line that belongs to no earlier table
    first = last = rows = labels = 0
    for at, line in enumerate(lines):
        if line.look in _OF_TABLES and at not in headings:
            first = first if rows else at
            last, rows, labels = at, rows + 1, 0
        elif line.look is not _Look.BLANK and rows:
            labels += 1
            if labels > _LABELS_MAX or len(line.text) > _LABEL_MAX or at in headings:
                if rows >= _ROWS_MIN:
                    yield _with_captions(lines, first, free, headings), last
                    free = last + 1
                rows = labels = 0
    if rows >= _ROWS_MIN:
        yield _with_captions(lines, first, free, headings), last


def _with_captions(lines: list[_Line], first: int, free: int, headings: set[int]) -> int:
    most = _CAPTIONS_OF_CELLS if lines[first].look is _Look.CELL else _CAPTIONS
    at = first - 1
    while at >= free and most > 0:
        line = lines[at]
        if at in headings or len(line.text) > _CAPTION_MAX or line.text.endswith((".", ";")):
            break
        if line.look is not _Look.BLANK:
            first = at
            most -= 1
        at -= 1
    return first


def _header(table: list[_Line]) -> str:
    """Return what names the columns: up to the separator, or up to the last date before figures."""
    rows = [line for line in table if line.look is not _Look.BLANK]
    figures = next((at for at, line in enumerate(rows) if _has_figures(line)), len(rows))
    piped = next((at for at, line in enumerate(rows) if line.look is _Look.PIPED), None)
    if piped is not None and piped <= figures:
        ruled = piped + 1 < len(rows) and _RULE.fullmatch(rows[piped + 1].text)
        length = piped + (2 if ruled else 1)
    else:
        dated = [at for at in range(figures) if _DATE.search(rows[at].text)]
        spaced = figures < len(rows) and rows[figures].look is _Look.SPACED
        undated = figures if spaced else max(figures - 1, 0)  # the first figures' label
        length = dated[-1] + 1 if dated else undated
    header: list[str] = []
    room = HEADER_MAX_CHARACTERS
    for line in reversed(rows[:length]):
        room -= len(line.text) + 1
        if room < 0:
            break
        header.insert(0, line.text)
    return "\n".join(header)


def _has_figures(line: _Line) -> bool:
    if line.look is _Look.TEXT:
        return False
    if _NUMBER.search(_DATE.sub("", line.text)):
        return True
    return line.look is not _Look.SPACED and not _DATE.search(line.text)
