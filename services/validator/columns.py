"""The columns of a table: their periods, words, scales and units, from the heads above them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.validator.dates import Date
from services.validator.grid import Cell, Line
from services.validator.headings import date_groups, dates_in, over, periods_in, subject
from services.validator.labels import stems
from services.validator.periods import NO_PERIOD, Periods
from services.validator.scales import TableScale, stated_scale
from services.validator.units import named_units


@dataclass(frozen=True, slots=True)
class Column:
    """What its heads say of a column; `text` is what they say as written."""

    periods: Periods = NO_PERIOD
    words: frozenset[str] = frozenset()
    scale: TableScale | None = None
    units: frozenset[str] = frozenset()
    text: str = ""


_CHANGES: Final = Column(text="change")
_CHANGE: Final = re.compile(r"\bchange|\bvariance|%", re.IGNORECASE)


class Columns:
    """The columns below some head lines."""

    def __init__(self, heads: Sequence[Line]) -> None:
        self._heads = heads
        self._groups = date_groups(heads)
        self._known: dict[int, Column] = {}

    def placed(self, index: int) -> Column:
        """Return the n-th column."""
        if index not in self._known:
            said = [text for head in self._heads if (text := over(head, index))]
            if any(dates_in(text) for text in said):  # 'Change' is above the other columns
                said = [text for text in said if dates_in(text) or not _CHANGE.search(text)]
            text = " ".join(said)
            self._known[index] = Column(
                periods_in(text),
                stems(subject(text)),
                stated_scale(text),
                named_units(text),
                text,
            )
        return self._known[index]

    def guessed(self, index: int, cells: Sequence[Cell], *, changes: bool) -> Column:
        """Return the column of the n-th of a row's values, from the heads that count as many.

        Where the page was read as plain text, empty cells are missing. `changes`: some column is
        one of changes.
        """
        count = len(cells)
        for group in reversed(self._groups):
            if len(group) == count:
                return _dated(group[index])
        if spanned := self._spanned(index, cells):
            return spanned
        plain = [i for i, cell in enumerate(cells) if "%" not in cell.text]
        for group in reversed(self._groups):
            if len(group) == len(plain) > 1:  # percentages stand between or behind them
                return _dated(group[plain.index(index)]) if index in plain else _CHANGES
        for group in reversed(self._groups):
            if len(group) > 1 and count % len(group) == 0 and not changes:
                return _dated(group[index // (count // len(group))])  # 'Cost, Fair value' of each
        for group in reversed(self._groups):
            if 1 < len(group) < count:  # the rest are changes, or shares
                return _dated(group[index]) if index < len(group) else _CHANGES
        return self._unsure(count)

    def _spanned(self, index: int, cells: Sequence[Cell]) -> Column | None:
        """Return the column of a value where each head spans several: 'amount, %, amount, %'."""
        width = width_of(cells)
        place = index // width
        for group in reversed(self._groups) if width > 1 else ():
            if 1 < len(group) <= len(cells) // width:
                return _dated(group[place]) if place < len(group) else _CHANGES
        return None

    def _unsure(self, count: int) -> Column:
        """Return what is known of any of a row's values where none can be told from others."""
        only = [len(group) for group in self._groups] == [1]  # the one date of the whole table
        if only or (self._groups and len(self._groups[-1]) >= count):
            return Column(frozenset(date for date in self._groups[-1] if date))
        return Column()

    def counts(self, number: int) -> bool:
        """Say whether some head names so many columns."""
        return any(len(group) == number for group in self._groups)


def width_of(cells: Sequence[Cell]) -> int:
    """Return over how many columns each head spans: 2 of 'amount, %, amount, %', else 1."""
    kinds = ["%" in cell.text for cell in cells]
    if not any(kinds) or all(kinds):
        return 1
    widths = (w for w in range(2, len(kinds) // 2 + 1) if len(kinds) % w == 0)
    return next((w for w in widths if all(k == kinds[i % w] for i, k in enumerate(kinds))), 1)


def _dated(date: Date | None) -> Column:
    return Column(frozenset({date})) if date else _CHANGES
