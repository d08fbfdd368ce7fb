"""What is left of a table when a page is read as plain text: labels, and values behind or below."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from services.validator.grid import Cell, Grid, Line

_MONEY: Final = r"(?:(?:US|CA|AU?|C|HK|NZ|S)?\$|[€£¥₹])"
_NUMBER_AT: Final = r"(?:\d[\d,]*+(?:\.\d++)?|\.\d++)"
_MARKS: Final = r"[*\u00b9\u00b2\u00b3\u2020\u2021]{0,3}"
_VALUE: Final = re.compile(
    rf"{_MONEY}?[-\u2212\u2013+]?{_MONEY}?{_NUMBER_AT}%?{_MARKS},?"
    rf"|{_MONEY}?\([-\u2212\u2013]?{_MONEY}{{0,2}}{_NUMBER_AT}%?\)?%?{_MARKS},?"
    rf"|[-\u2013\u2014]{{1,3}}|{_MONEY}?\(|{_MONEY}|[)%]|USD|EUR|GBP|CHF|INR|RMB|bps|NM|N/A|n/a"
)
_CURRENCIES: Final = frozenset(["€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "INR", "RMB"])
_DASHES: Final = frozenset("-\u2013\u2014")
_LEADERS: Final = re.compile(r"(?:\s?\.){4,}+")
"""The dots between a label and its values."""
_SPACE: Final = re.compile(r"\S+")
_MARK: Final = re.compile(r"\(\d{1,2}\)")
"""The mark of a footnote behind a label; a value as small stands behind others."""
_LETTER: Final = re.compile(r"[^\W\d_]{2}")
_NUMBER: Final = re.compile(r"\d")
_RUNNING: Final = re.compile(
    r"(?:\b(?:in|of|was|were|to|at|by|for|from|and|or|the|a|an|is|are|than|with|approximately|about"
    r"|over|nearly|had|totaled|than|versus|vs|note|notes|page|item|section|until|since|fiscal|year|ended)"
    r"|[=*/+])\s*\Z",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?\s*\Z",
    re.IGNORECASE,
)
_YEARS: Final = re.compile(r"(?:19|20)\d{2}\s+(?:19|20)\d{2}(?!\d)")
_WORDIEST: Final = 14
_LONGEST: Final = 140
_FEW_WORDS: Final = 7
"""A line with fewer spaces that ends in a full stop may still be a table's head ('Comp.')."""


class Leftovers:
    """Collects the lines of plain text that look like a table's."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._pending: Cell | None = None
        self._values: list[Cell] = []
        self._end = 0

    def add(self, piece: str, begin: int) -> None:
        """Take the next line."""
        text = piece.strip()
        if "...." in text or ". . ." in text:
            piece = _LEADERS.sub(lambda dots: " " * len(dots[0]), piece)  # nothing moves
            text = piece.strip()
        if not text:
            return
        if len(text) > _LONGEST:
            self._interrupt()
            return
        label, values = _parts(piece, begin)
        is_sentence = text.endswith((".", ";")) and text.count(" ") >= _FEW_WORDS
        if not values and is_sentence and not _YEARS.search(text):
            self._interrupt()
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
        self._interrupt()
        if any(line.cells for line in self._lines):
            yield Grid(tuple(self._lines), self._lines[0].label.start, self._end)
        self._lines = []

    def _interrupt(self) -> None:
        """End the row, and forget a label that no value came for."""
        self._close()
        self._pending = None

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
    numeric = any(_NUMBER.search(t[0]) and not _MARK.fullmatch(t[0]) for t in tokens[first:])
    numeric = numeric or _has_dash_behind(tokens[first:]) or _are_values(tokens[first:])
    if label and (
        not _LETTER.search(label)
        or _runs_on(label, tokens[first:])
        or first > _WORDIEST
        or not numeric
    ):
        return Cell(piece.strip(), begin + start), []
    return Cell(label, begin + start), list(_values(piece, begin, tokens[first:]))


def _has_dash_behind(values: list[re.Match[str]]) -> bool:
    """Say whether a value as small as a mark has a dash behind it: '(32) -'."""
    return len(values) == 2 and values[1][0] in _DASHES  # noqa: PLR2004 - a value and nothing


def _are_values(values: list[re.Match[str]]) -> bool:
    """Say whether numbers in brackets are negative, and no marks: '(38) (1)', not '(1) (2)'."""
    numbers = [int(t[0][1:-1]) for t in values if _MARK.fullmatch(t[0])]
    return len(numbers) > 1 and any(b != a + 1 for a, b in pairwise(numbers))


def _runs_on(label: str, values: list[re.Match[str]]) -> bool:
    """Say whether a line is running text that happens to end in a number."""
    last = label.rfind(" ") + 1  # both are about the last word
    if _MONTH.search(label, last):
        return True
    written = sum(t[0][-1].isdigit() or t[0] in _DASHES for t in values)
    return _RUNNING.search(label, last) is not None and written < 2  # noqa: PLR2004 - a row's values


def _values(piece: str, begin: int, tokens: list[re.Match[str]]) -> Iterator[Cell]:
    """Join a currency or percent sign that stands alone with its number."""
    start: int | None = None
    for index, token in enumerate(tokens):
        text = token[0]
        if start is None:
            start = token.start()
        following = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        opens = text in _CURRENCIES or text.endswith(("$", "("))
        if not opens and following not in {"%", ")", "bps"}:
            yield Cell(piece[start : token.end()].rstrip(","), begin + start)
            start = None
