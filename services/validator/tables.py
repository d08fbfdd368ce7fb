"""Tables as facts: each number with its row, its column, its period, its unit and its scale."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.validator.cells import (
    Money,
    cell_amounts,
    currency_of,
    is_head,
    is_mixed,
    is_number,
)
from services.validator.columns import Columns, width_of
from services.validator.dates import Date
from services.validator.facts import Fact
from services.validator.figures import read_cell
from services.validator.grid import Cell, Grid, Line
from services.validator.grids import grids_of
from services.validator.headings import dates_in, is_of_time, merged, periods_in, without_notes
from services.validator.labels import label_stems, stems
from services.validator.periods import NO_PERIOD, dates_of, is_date
from services.validator.scales import TableScale, stated_scale, stated_scales
from services.validator.spoken import CHANGE
from services.validator.units import named_units

_DAY: Final = re.compile(r"\d/\d{1,2}/\d")
_DASH: Final = re.compile(r"[-$€£¥\u2012-\u2015\u2212\s]+|nil|n/?[am]", re.IGNORECASE)
_LARGE: Final = re.compile(r"\d,\d{3}")
_NOTES: Final = frozenset({"note", "notes", "note no.", "notes no."})
"""Heads of columns that number notes."""
_CHANGES: Final = re.compile(
    r"chang|varia|%|percent|increas|decreas|\bv(?:ersu)?s\b", re.IGNORECASE
)
NO_WORDS: Final[frozenset[str]] = frozenset()
_MARK: Final = re.compile(r"\(\d\)")
_SMALL: Final = re.compile(r"\(\d{1,2}\)|[-\u2013\u2014]")
_NOTE_ALONE: Final = re.compile(r"\(?\d{1,2}\)?")


@dataclass(frozen=True, slots=True)
class Table:
    """The facts of one table, and the stretches of text that it is written in."""

    facts: tuple[Fact, ...]
    spans: tuple[tuple[int, int], ...]


def tables_of(text: str, elsewhere: TableScale | None = None) -> list[Table]:
    """Return the tables of a passage; `elsewhere`: a scale that another passage states."""
    found = []
    for number, grid in enumerate(grids_of(text)):
        scale, certain = _scale(text, grid, elsewhere)
        cells = [cell for line in grid.lines for cell in line.cells]
        currency = currency_of(cells, named_units(text[grid.start : grid.end]))
        percent = scale is None and currency is None and any("%" in cell.text for cell in cells)
        reader = _Reader(grid, (text, number), Money(scale, certain, currency, percent))
        found.append(Table(tuple(reader.read()), tuple(reader.spans)))
    return found


def _scale(text: str, grid: Grid, elsewhere: TableScale | None) -> tuple[TableScale | None, bool]:
    """Return the scale of a grid, and whether it is certain: stated in it or above it."""
    own = stated_scales(text)
    inside = next((scale for scale in own if grid.start <= scale.start < grid.end), None)
    above = next((scale for scale in reversed(own) if scale.start < grid.start), None)
    if stated := inside or above:
        return stated, True
    return own[0] if own else elsewhere, False


class _Reader:
    """Reads one table line by line: heads, sections and rows."""

    def __init__(self, grid: Grid, place: tuple[str, int], money: Money) -> None:
        self._grid = grid
        self._place = place
        self._money = money
        self._heads: list[Line] = []
        self._columns = Columns(())
        self._sections: list[str] = []
        self._time = NO_PERIOD
        self._has_rows = False
        self._has_notes = False
        self._has_changes = False
        counts = Counter(len(line.cells) for line in grid.lines if line.cells)
        self._width = counts.most_common(1)[0][0] if counts else 0
        self.spans: list[tuple[int, int]] = []

    def read(self) -> Iterator[Fact]:
        """Return the facts row by row."""
        for number, line in enumerate(self._grid.lines):
            if line.placed:
                ends = ((c.start, c.start + len(c.text) + 1) for c in (line.label, *line.cells))
                self.spans += ends
            written = [cell for cell in line.cells if cell.text]
            if not line.label.text and not written:
                continue
            self._note(line, written)
            if self._is_section(line, written):
                text = line.label.text or written[0].text
                if stated_scale(text) is None:
                    self._sections = [*self._sections[-1:], text]
            elif self._is_time_of_rows(line, written):
                self._time = periods_in(line.label.text)
            elif self._is_head(line, written):
                self._add_head(line, written)
            else:
                self._has_rows = True
                for part in self._parts(line):
                    yield from self._row(part, number)

    def _note(self, line: Line, written: Sequence[Cell]) -> None:
        """Note what a line above the rows says of the columns."""
        if not self._has_rows:
            self._has_notes |= _names_notes((line.label, *written))
            self._has_changes |= _names_changes((line.label, *written))

    def _add_head(self, line: Line, written: Sequence[Cell]) -> None:
        """Take a head; below rows it begins a table of its own."""
        if self._has_rows:
            self._heads, self._has_rows, self._sections = [], False, []
            self._time = NO_PERIOD
            self._has_changes = _names_changes((line.label, *written))
        self._heads.append(line)
        self._columns = Columns(self._heads)

    def _is_section(self, line: Line, written: Sequence[Cell]) -> bool:
        """Say whether a line is a title of the rows below it."""
        label = line.label.text
        if not written:
            dates = dates_in(label)
            of_time = bool(dates) and is_of_time(label)
            return bool(label) and not of_time and (len(dates) < 2 or line.placed)  # noqa: PLR2004 - a caption has the dates of the columns
        if label or len(written) > 1 or is_number(written[0]) or dates_in(written[0].text):
            return False
        text = written[0].text  # a title in some other column than the first
        return text.endswith(":") or (self._has_rows and stated_scale(text) is None)

    def _is_time_of_rows(self, line: Line, written: Sequence[Cell]) -> bool:
        """Say whether a line is a date for the rows below it, whose columns are no times."""
        return (
            line.placed
            and not written
            and bool(self._heads)
            and len(dates_in(line.label.text)) == 1
            and not any(dates_in(cell.text) for head in self._heads for cell in head.cells)
        )

    def _is_head(self, line: Line, written: Sequence[Cell]) -> bool:
        if self._has_rows and written and all(_DASH.fullmatch(cell.text) for cell in written):
            return False  # a row that has nothing in any column
        if self._heads and line.label.text and written and all(map(_is_small, written)):
            return False  # a row of small negative values, which look like footnotes' marks
        if any(is_number(cell) for cell in written):
            opening = not self._has_rows and not line.label.text
            return opening and all(is_head(cell) for cell in written)
        if self._has_rows and any(_DAY.search(cell.text) for cell in written):
            return False  # when something falls due
        if not written or not line.placed or not self._has_rows:
            return True
        return is_of_time(line.label.text) or _are_years(written)  # a second table below the first

    def _parts(self, line: Line) -> Iterator[Line]:
        """Split a row that ran into the unlabelled total below it."""
        width, cells = self._width, line.cells
        if len(cells) == 2 * width + 1 and _is_note(cells, marked=self._has_notes):
            cells = cells[1:]
        if line.placed or len(cells) != 2 * width or width_of(cells) == width:
            yield line
            return
        yield Line(line.label, cells[:width], placed=False)
        rest = cells[width:]
        yield Line(Cell("", rest[0].start), rest, placed=False)

    def _row(self, line: Line, number: int) -> Iterator[Fact]:
        section = self._sections[-1] if self._sections else ""
        # what has no name is the total, by convention
        label = without_notes(line.label.text) or section or "Total"
        own = periods_in(line.label.text)
        words = label_stems(label)
        if is_of_time(label):  # 'First quarter' is a time of what its column names
            words = NO_WORDS if own else stems(label)
        context = frozenset[str]().union(*map(stems, self._sections))
        if not line.placed:
            last = line.cells[-1]
            self.spans.append((line.label.start, last.start + len(last.text)))
        cells = self._without_note(line)
        lowers, mixed = _lowers(label), is_mixed(cells)
        for index, cell in enumerate(cells):
            columns = self._columns
            column = (
                columns.placed(index)
                if line.placed
                else columns.guessed(index, cells, changes=self._has_changes)
            )
            if column.text.strip().lower() in _NOTES:
                continue
            is_value = is_number(cell)
            periods = merged(column.periods, own)
            if not any(date.year for date in periods):
                periods = merged(self._time, periods)
            for figure in read_cell(cell.text):
                dated = is_date(figure) and not is_value
                amounts = cell_amounts(figure, f"{label} {section}", column, self._money)
                yield Fact(
                    figure,
                    () if dated else tuple(amounts),
                    (words | column.words) or context,
                    context | column.words,
                    frozenset(dates_of(figure)) if dated else periods,
                    (*self._place, number),
                    label,
                    is_cell=True,
                    row_lowers=lowers,
                    row_named=bool(words),
                    signed=mixed,
                    is_change=CHANGE.search(column.text) is not None,
                    start=cell.start + figure.start,
                )

    def _without_note(self, line: Line) -> tuple[Cell, ...]:
        """Return the cells of a row, less the number of a footnote that looks like one."""
        cells, count = line.cells, len(line.cells)
        if line.placed or self._columns.counts(count):
            return cells
        fits = self._columns.counts(count - 1) and _is_note(cells, marked=self._has_notes)
        return cells[1:] if fits or _is_mark(cells) else cells


def _names_notes(cells: Sequence[Cell]) -> bool:
    """Say whether one of some cells is the head of a column that numbers notes."""
    return any(cell.text.lower().partition(" $")[0].strip() in _NOTES for cell in cells)


def _are_years(cells: Sequence[Cell]) -> bool:
    """Say whether each of several cells is a year, and no two are the same."""
    years = [dates_in(cell.text) for cell in cells]
    if len(cells) < 2 or not all(len(y) == 1 and y[0] == Date(y[0].year) for y in years):  # noqa: PLR2004 - one year is a value
        return False
    return len({y[0] for y in years}) == len(years)


def _names_changes(cells: Sequence[Cell]) -> bool:
    """Say whether one of some cells is the head of a column that says how others changed."""
    return any(_CHANGES.search(cell.text) for cell in cells)


def _is_note(cells: Sequence[Cell], *, marked: bool) -> bool:
    """Say whether a row's first value is the number of a note: '(2)', or 17 before 11,880.

    `marked`: a head says that there are notes.
    """
    first, *others = (cell.text for cell in cells)
    if not _NOTE_ALONE.fullmatch(first):
        return False
    return marked or first.startswith("(") or all(_LARGE.search(text) for text in others)


def _is_small(cell: Cell) -> bool:
    return _SMALL.fullmatch(cell.text) is not None


def _is_mark(cells: Sequence[Cell]) -> bool:
    """Say whether a row's first value is certainly a footnote's mark: '(1)' before 3,376."""
    first, *others = (cell.text for cell in cells)
    return bool(_MARK.fullmatch(first) and others and _LARGE.search(others[0]))


def _lowers(label: str) -> bool:
    figures = read_cell(f"{label} 1")
    return bool(figures) and figures[-1].lowers
