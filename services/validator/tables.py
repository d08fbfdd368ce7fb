"""Tables as facts: each number with its row, its column, its period, its unit and its scale."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from services.validator.dates import Date
from services.validator.facts import Fact
from services.validator.figures import Figure, read_cell
from services.validator.grids import Cell, Grid, Line, grids_of
from services.validator.labels import label_stems, stems
from services.validator.periods import NO_PERIOD, Periods, amounts_of, dates_of, is_date
from services.validator.quantities import Amount
from services.validator.scales import TABLE_SCALE, TableScale, stated_scale, stated_scales
from services.validator.units import COUNT, CURRENCY_CODES, PERCENT, named_units


@dataclass(frozen=True, slots=True)
class Table:
    """The facts of one table, and the stretches of text that it is written in."""

    facts: tuple[Fact, ...]
    spans: tuple[tuple[int, int], ...]


_PER: Final = re.compile(
    r"\b(?:per|ratio|number of|shares?|percent(?:age)?|rate|employees|years|days|margin)\b|%",
    re.IGNORECASE,
)
_CHANGE: Final = re.compile(r"\b(?:change|variation|variance|increase|growth)\b", re.IGNORECASE)
_RATE: Final = re.compile(r"%|\bpercent", re.IGNORECASE)
_NOTE: Final = re.compile(r"\s*\((?:\d{1,2}|[a-z]|note[^)]*)\)|\*+", re.IGNORECASE)
_NOTE_ALONE: Final = re.compile(r"\(?\d{1,2}\)?")
_OF_TIME: Final = re.compile(
    r"\b(?:for|the|as|of|at|in|and|years?|fiscal|ended|ending|months?|quarters?|weeks?|three|six"
    r"|nine|twelve|fifty|two|restated|unaudited|audited|balance|to|through|note|m|mn|january"
    r"|february|march|april|may|june|july|august|september|october|november|december|sept?|jan|feb"
    r"|mar|apr|jun|jul|aug|oct|nov|dec|first|second|third|fourth|q[1-4]|fy|fye)\b"
    r"|\bRMB\b|million|thousand|billion|[^\w]|\d|_",
    re.IGNORECASE,
)


def tables_of(text: str, passage: int, passages: Sequence[str]) -> list[Table]:
    """Return the tables of a passage; a scale that it does not state may stand in another."""
    found = []
    for number, grid in enumerate(grids_of(text)):
        reader = _Reader(grid, (passage, number), _scales(text, grid, passage, passages), _units(text[grid.start:grid.end]))
        found.append(Table(tuple(reader.read()), tuple(reader.spans)))
    return found


def _scales(
    text: str, grid: Grid, passage: int, passages: Sequence[str]
) -> tuple[TableScale | None, bool]:
    """Return the scale of a grid, and whether it is certain: stated in it or above it."""
    own = stated_scales(text)
    inside = next((scale for scale in own if grid.start <= scale.start < grid.end), None)
    above = next((scale for scale in reversed(own) if scale.start < grid.start), None)
    if stated := inside or above:
        return stated, True
    others = (p for i, p in enumerate(passages) if i != passage)
    found = (*own, *(scale for other in others for scale in stated_scales(other)))
    return next(iter(found), None), False


@dataclass
class _Column:
    periods: Periods = NO_PERIOD
    words: frozenset[str] = frozenset()
    scale: TableScale | None = None
    units: frozenset[str] = frozenset()
    text: str = ""


@dataclass
class _Reader:
    grid: Grid
    place: tuple[int, int]
    scale: tuple[TableScale | None, bool]
    named: frozenset[str]
    spans: list[tuple[int, int]] = field(default_factory=list)
    heads: list[Line] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    has_rows: bool = False
    columns: dict[int, _Column] = field(default_factory=dict)

    def read(self) -> Iterator[Fact]:
        """Return the facts row by row."""
        self.currency = self._currency()
        for number, line in enumerate(self.grid.lines):
            if line.placed:
                for cell in (line.label, *line.cells):
                    self.spans.append((cell.start, cell.start + len(cell.text) + 1))
            kind = self._kind(line)
            if kind == "head":
                if self.has_rows:
                    self.heads, self.has_rows, self.sections = [], False, []
                self.heads.append(line)
                self.columns = {}
            elif kind == "section":
                text = line.label.text or next((cell.text for cell in line.cells if cell.text), "")
                if stated_scale(text) is None:
                    self.sections = [*self.sections[-2:], text]
            else:
                self.has_rows = True
                for part in self._parts(line):
                    yield from self._row(part, number)

    def _kind(self, line: Line) -> str:
        written = [cell for cell in line.cells if cell.text]
        dates = _dates(line.label.text)
        if not written:
            return "head" if dates and not _OF_TIME.sub("", line.label.text) else (
                "head" if len(dates) > 1 and not line.placed else "section"
            )
        if not line.label.text and _is_section(written, has_rows=self.has_rows):
            return "section"
        opening = not self.has_rows and not line.label.text
        if any(_is_number(cell) for cell in written) and not (
            opening and all(_TIMES.fullmatch(cell.text) or not _is_number(cell) for cell in written)
        ):
            return "row"
        if not line.placed or not self.has_rows or not _OF_TIME.sub("", line.label.text):
            return "head"
        return "row"

    def _parts(self, line: Line) -> Iterator[Line]:
        """Split a row that ran into the unlabelled total below it."""
        count = len(line.cells)
        if line.placed or count != 2 * self.width or self._spans(line.cells, 2):
            yield line
            return
        yield Line(line.label, line.cells[: self.width], placed=False)
        rest = line.cells[self.width :]
        yield Line(Cell("", rest[0].start), rest, placed=False)

    @cached_property
    def width(self) -> int:
        """How many values most rows have."""
        counts = Counter(len(line.cells) for line in self.grid.lines if line.cells)
        return counts.most_common(1)[0][0] if counts else 0

    def _row(self, line: Line, number: int) -> Iterator[Fact]:
        label = _NOTE.sub("", line.label.text).strip(" :")
        section = self.sections[-1] if self.sections else ""
        label = label or section or "Total"  # what has no name is the total, by convention
        if not line.placed:
            end = line.cells[-1].start + len(line.cells[-1].text)
            self.spans.append((line.label.start, end))
        own = _periods(line.label.text)
        words = label_stems(label) if _OF_TIME.sub("", label) else stems(label)
        context = frozenset[str]().union(*map(stems, self.sections[-2:]))
        cells = self._without_note(line)
        mixed = _is_mixed(cells)
        count = len(cells)
        for index, cell in enumerate(cells):
            column = self._column(index, cells, placed=line.placed)
            for figure in read_cell(cell.text):
                if is_date(figure) and not _is_number(cell):
                    amounts: tuple[Amount, ...] = ()
                    periods = frozenset(dates_of(figure))
                else:
                    amounts = tuple(self._amounts(figure, f"{label} {section}", column))
                    periods = _merged(column.periods, own)
                yield Fact(
                    figure.text,
                    amounts,
                    (words | column.words) or context,
                    context | column.words,
                    periods,
                    (*self.place, number),
                    label or column.text,
                    is_cell=True,
                    lowers=figure.lowers or _lowers(label),
                    row_named=bool(words),
                    signed=mixed,
                    is_change=_CHANGE.search(column.text) is not None,
                )

    def _without_note(self, line: Line) -> tuple[Cell, ...]:
        """Return the cells of a row, less the number of a footnote that looks like one."""
        if not line.placed and _NOTE_ALONE.fullmatch(line.cells[0].text):
            sizes = {len(group) for group in _groups(self.heads)}
            count = len(line.cells)
            if count - 1 in sizes and count not in sizes:
                return line.cells[1:]
        return line.cells

    def _amounts(self, figure: Figure, label: str, column: _Column) -> Iterator[Amount]:
        scale, certain = (column.scale, True) if column.scale else self.scale
        for amount in amounts_of(figure):
            unit = amount.unit
            if unit is None and (_RATE.search(label) or PERCENT in column.units):
                yield Amount(amount.value, PERCENT)
                if PERCENT in column.units:
                    continue
            if unit not in {None, *CURRENCY_CODES}:
                yield amount
                continue
            money = unit or next(iter(column.units & CURRENCY_CODES), None) or self.currency
            excepted = scale is not None and scale.exceptions and bool(_PER.search(label))
            if scale is None or figure.factor != 1:
                yield Amount(amount.value, money if unit or not _PER.search(label) else None)
                continue
            if excepted or not certain or (_PER.search(label) and "." in figure.text):
                yield Amount(amount.value, money)
            else:
                yield Amount(amount.value, COUNT)
            if not (excepted and "." in figure.text):
                yield Amount(amount.value * scale.factor, money)

    def _column(self, index: int, cells: Sequence[Cell], *, placed: bool) -> _Column:
        if not placed:
            date = self._guessed(index, cells)
            return _Column(date) if date is not None else _Column(text="change")
        if index not in self.columns:
            self.columns[index] = self._placed(index)
        return self.columns[index]

    def _placed(self, index: int) -> _Column:
        texts = [text for head in self.heads if (text := _over(head, index))]
        text = " ".join(texts)
        return _Column(_periods(text), stems(_OF_TIME.sub(" ", _plain(text))), stated_scale(text), _units(text), text)

    def _guessed(self, index: int, cells: Sequence[Cell]) -> Periods | None:
        """Return the period of the n-th of so many values, from the heads that count as many."""
        groups, count = list(_groups(self.heads)), len(cells)
        for group in reversed(groups):
            if len(group) == count:
                return _one(group[index])
        for group in reversed(groups):
            if len(group) > 1 and count % len(group) == 0 and self._spans(cells, len(group)):
                return _one(group[index // (count // len(group))])
        for group in reversed(groups):
            if 1 < len(group) < count:  # the rest are changes, or shares
                return _one(group[index] if index < len(group) else None)
        if groups and len(groups[-1]) >= count:
            return frozenset(date for date in groups[-1] if date)
        return NO_PERIOD

    @staticmethod
    def _spans(cells: Sequence[Cell], groups: int) -> bool:
        """Say whether each head spans several columns: 'amount, %, amount, %' under two years."""
        width = len(cells) // groups
        kinds = ["%" in cell.text for cell in cells]
        return any(kinds) and all(kinds[i] == kinds[i % width] for i in range(len(kinds)))

    def _currency(self) -> str | None:
        for line in self.grid.lines:
            for cell in line.cells:
                for figure in read_cell(cell.text):
                    for amount in amounts_of(figure):
                        if amount.unit in CURRENCY_CODES:
                            return amount.unit
        named = self.named & CURRENCY_CODES
        return next(iter(named)) if len(named) == 1 else None


def _one(date: Date | None) -> Periods | None:
    return frozenset({date}) if date else None


def _lowers(label: str) -> bool:
    figures = read_cell(f"{label} 1")
    return bool(figures) and figures[-1].lowers


_MONEY: Final = re.compile(rf"{TABLE_SCALE}|[$€£¥]|\bRMB")


def _plain(text: str) -> str:
    """Return a head without its scale and currency, which would make '2019 €m' an amount."""
    return _NOTE.sub(" ", _MONEY.sub(" ", text))


def _is_mixed(cells: Sequence[Cell]) -> bool:
    """Say whether a row has positive and negative values, so that their signs say something."""
    signs = {
        amount.value > 0
        for cell in cells
        for figure in read_cell(cell.text)
        for amount in amounts_of(figure)
        if amount.value and amount.unit != PERCENT
    }
    return len(signs) > 1


def _is_section(written: Sequence[Cell], *, has_rows: bool) -> bool:
    """Say whether a line's only text is a title of the rows below, put in some other column."""
    text = written[0].text
    if len(written) > 1 or _is_number(written[0]) or _dates(text):
        return False
    return text.endswith(":") or (has_rows and stated_scale(text) is None)


def _is_number(cell: Cell) -> bool:
    """Say whether a cell is a value; 'Less than 1 year' and '53 weeks' are heads."""
    text = _plain(cell.text)
    figures = [f for f in read_cell(text) if not is_date(f) and f.readings]
    if not figures:
        return False
    rest = len(_LETTERS.findall(text)) - sum(len(_LETTERS.findall(f.text)) for f in figures)
    return rest <= _FEW_LETTERS


_LETTERS: Final = re.compile(r"[^\W\d_]")
_FEW_LETTERS: Final = 3
_TIMES: Final = re.compile(r"\d+(?:\s?[-\u2013]\s?\d+)?\s(?:weeks|months|days|years)", re.IGNORECASE)


def _dates(text: str) -> list[Date]:
    return [
        figure_dates[0]
        for figure in read_cell(_plain(text))
        if (figure_dates := dates_of(figure)) and figure_dates[0].year
    ]


def _periods(text: str) -> Periods:
    """Return the periods that a head or label names; a month and its year may stand apart."""
    found = [dates_of(figure)[0] for figure in read_cell(_plain(text)) if is_date(figure)]
    years = [date for date in found if date.year]
    parts = [date for date in found if not date.year]
    if not years:
        return frozenset(found)
    if parts and all(d == Date(d.year) for d in years):
        part = parts[0]
        return frozenset(Date(d.year, part.month, part.day, part.quarter, part.half) for d in years)
    return frozenset(years)


def _merged(column: Periods, own: Periods) -> Periods:
    if not column or not own:
        return column or own
    if all(date.year is None for date in own):
        return frozenset(
            Date(c.year, o.month or c.month, o.day or c.day, o.quarter or c.quarter, o.half or c.half)
            for c in column
            for o in own
        )
    return own | column


def _over(head: Line, index: int) -> str:
    """Return what a head line says of a column: its cell, or the one that spans it."""
    texts = [cell.text for cell in head.cells]
    if index < len(texts) and texts[index]:
        return texts[index]
    written = [i for i, text in enumerate(texts) if text]
    if not written:
        return ""
    if len(written) == 1:
        return texts[written[0]]
    left = [i for i in written if i <= index]
    return texts[left[-1] if left else written[0]]


_VERSUS: Final = re.compile(
    r"(?:19|20)\d{2}\s{0,2}(?:vs\.?|versus|over|compared\s(?:to|with))\s{0,2}(?:19|20)\d{2}",
    re.IGNORECASE,
)


def _groups(heads: Sequence[Line]) -> Iterator[list[Date | None]]:
    """Return the lists of dates that head lines give their columns; single ones are one list.

    None is a column of changes ('2019 vs 2018').
    """
    run: list[Date | None] = []
    for head in heads:
        label = _periods_in_label(head.label.text) if head.cells else None
        dates = [
            Date(d.year, label.month, label.day, label.quarter, label.half)
            if d and label and d == Date(d.year)
            else d
            for text in ([cell.text for cell in head.cells] or [head.label.text])
            for d in _head_dates(text)
        ]
        if dates == [None] and run:
            run.append(None)
            continue
        if len(dates) == 1 and (not run or len(run) == 1 or None not in run):
            if len(run) > 1 and run[0] == Date(run[0].year if run[0] else None) != dates[0]:
                yield run
                run = []
            run.append(dates[0])
            continue
        if run:
            yield run
            run = []
        run = dates
    if run:
        yield run


def _head_dates(text: str) -> Iterator[Date | None]:
    position = 0
    for match in _VERSUS.finditer(text):
        yield from _dates(text[position : match.start()])
        yield None
        position = match.end()
    yield from _dates(text[position:])


def _periods_in_label(label: str) -> Date | None:
    found = [dates_of(f)[0] for f in read_cell(label) if is_date(f)]
    return next((d for d in found if not d.year), None)


def _units(text: str) -> frozenset[str]:
    return named_units(text)
