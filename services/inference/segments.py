"""A passage cut into what can be quoted on its own: sentences, lists, and rows of tables.

Tables come in three shapes: rows with pipes (Markdown), rows with their figures at the end of the
line, and, as text from a PDF often has it, a label on one line with each cell on a line of its own
below. A segment is a span of the passage's text, so that quoting it is verbatim by construction.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.inference.lines import Kind, Line, lines

_BULLET: Final = re.compile(r"\s*(?:[-*•●▪]|\(?[a-z\d]{1,2}[.)])\s+\S")
_SENTENCE: Final = re.compile(r".+?(?:[.!?][\"'”’)\]*_]*(?=\s)|\Z)", re.DOTALL)  # noqa: RUF001 - quotation marks as they are printed
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:[A-Za-z]|Inc|Corp|Ltd|Co|No|Nos|Mr|Mrs|Ms|Dr|St|vs|etc|approx|Jan|Feb|Mar|Apr|Jun|"
    r"Jul|Aug|Sept?|Oct|Nov|Dec|Art|Fig|Sec|para|pp?)|[A-Za-z]\.[A-Za-z])\.$"
)

_HEADER_MAX: Final = 300  # characters of a header that is quoted with a row
_LIST_MAX: Final = 700
_LABEL_MAX: Final = 160
_ABBREVIATION_MAX: Final = 12
_HEADING_MAX: Final = 70
_LABEL_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a passage's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Something to quote. `header` is what a row needs to be understood, `near` what leads to it.

    `near` (a heading, or a question that the text itself asks) is for matching, not for quoting.
    """

    span: Span
    header: Span | None = None
    near: str = ""


def cut(text: str) -> list[Segment]:
    """Return the passage's segments in their order. Every span is within the text."""
    return list(_Cutter(text).segments())


class _Cutter:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = lines(text)
        self._last_filled = max(
            (n for n, line in enumerate(self._lines) if line.kind is not Kind.BLANK), default=0
        )
        self._at = 0
        self._heading = ""
        self._header: list[Line] = []
        self._rows_since_header = False

    def segments(self) -> Iterator[Segment]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.kind in {Kind.BLANK, Kind.RULE, Kind.CELL}:
                self._at += 1
            elif line.kind is Kind.HEADING:
                self._heading = line.text
                self._at += 1
            elif line.kind is Kind.HEADER and not self._figures_follow():
                self._take_header()
            elif line.kind in {Kind.ROW, Kind.HEADER} or self._cells_follow():
                yield from self._take_row()
            else:
                yield from self._take_prose()

    def _take_header(self) -> None:
        if self._rows_since_header:
            self._header = []
            self._rows_since_header = False
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.kind not in {Kind.HEADER, Kind.BLANK, Kind.RULE} and not (
                line.kind is Kind.CELL and line.is_years
            ):
                return
            if line.kind is Kind.HEADER and self._figures_follow():
                return
            if line.kind in {Kind.HEADER, Kind.CELL}:
                self._header.append(line)
            self._at += 1

    def _take_row(self) -> Iterator[Segment]:
        first = self._lines[self._at]
        last = self._last_cell()
        if (
            last > self._at and not self._figures_follow()
        ):  # 'As of December 31,' with years below is no row of figures
            self._header = self._lines[self._at : last + 1]
            self._rows_since_header = False
        else:
            self._rows_since_header = True
            header = self._header_span(before=first.start)
            yield Segment(self._span(first.start, self._lines[last].end), header, self._heading)
        self._at = last + 1

    def _take_prose(self) -> Iterator[Segment]:
        first = last = self._at
        while last + 1 < len(self._lines) and self._continues(last, last + 1):
            last += 1
        start, end = self._lines[first].start, self._lines[last].end
        self._at = last + 1
        if first == last and self._is_heading(first):
            self._heading = self._lines[first].text
            return
        if self._text[start:end].rstrip().endswith(":"):
            end = self._end_of_list(start, end)
        asked = ""
        for sentence in _sentences(self._text, start, end):
            words = self._text[sentence.start : sentence.end]
            if words.endswith(":"):
                self._heading = words  # it leads to a table, not to a list
            elif words.rstrip("\"'”’)]*_ ").endswith("?"):  # noqa: RUF001 - as above
                asked = words
            else:
                yield Segment(sentence, near=f"{self._heading}\n{asked}".strip())
        if self._rows_since_header:
            self._header = []  # a table ends where sentences begin

    def _figures_follow(self) -> bool:
        cells = self._lines[self._at + 1 : self._last_cell() + 1]
        return any(line.kind is Kind.CELL and not line.is_years for line in cells)

    def _cells_follow(self) -> bool:
        return len(self._lines[self._at].text) <= _LABEL_MAX and self._last_cell() > self._at

    def _last_cell(self) -> int:
        last = at = self._at
        while at + 1 < len(self._lines) and self._lines[at + 1].kind in {Kind.CELL, Kind.BLANK}:
            at += 1
            if self._lines[at].kind is Kind.CELL:
                last = at
        return last

    def _continues(self, line: int, following: int) -> bool:
        after = self._lines[following]
        if after.kind is not Kind.TEXT or _BULLET.match(after.text):
            return False
        if line == self._at and self._is_heading(line) and after.text[:1].isupper():
            return False
        before, self._at = self._at, following
        starts_row = self._cells_follow()
        self._at = before
        return not starts_row

    def _is_heading(self, number: int) -> bool:
        """Tell a heading or a table's section label from a short answer, as 'Term: 9 months'."""
        text = self._lines[number].text
        return (
            len(text) <= _HEADING_MAX
            and text[-1] not in ".,;?!)"
            and not (text.endswith(":") and len(text.split()) > _LABEL_WORDS)
            and not _BULLET.match(text)
            and not any(letter.isdigit() for letter in text)
            and number < self._last_filled
        )

    def _end_of_list(self, start: int, end: int) -> int:
        """Take the items below 'consists of:', so that the sentence says something."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.kind is not Kind.BLANK:
                if line.kind is not Kind.TEXT or self._cells_follow():
                    break
                if line.end - start > _LIST_MAX:
                    break
                end = line.end
                if line.text.rstrip().endswith("."):
                    self._at += 1
                    break
            self._at += 1
        return end

    def _header_span(self, before: int) -> Span | None:
        lines = [line for line in self._header if line.end <= before]
        while lines and lines[-1].end - lines[0].start > _HEADER_MAX:
            lines = lines[1:]
        return self._span(lines[0].start, lines[-1].end) if lines else None

    def _span(self, start: int, end: int) -> Span:
        text = self._text[start:end]
        return Span(start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    for match in _SENTENCE.finditer(text, start, end):
        tail = text[max(begin, match.end() - _ABBREVIATION_MAX) : match.end()]
        if _ABBREVIATION.search(tail) and match.end() < end:
            continue
        so_far = text[begin : match.end()].rstrip()
        if so_far.strip():
            lead = len(so_far) - len(so_far.lstrip())
            yield Span(begin + lead, begin + len(so_far))
        begin = match.end()
