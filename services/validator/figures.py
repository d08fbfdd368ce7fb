"""The figures of a text (amounts and dates), and whether they stand in another text.

A figure may have several readings: '3,200' in a table 'in millions' is 3,200 million, '2' in '2 to
3%' is 2 percent, '03/04/2023' is a day in March or in April. It stands in a passage when one of
its readings is one of theirs.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import zip_longest
from typing import Final

from services.validator.dates import Date
from services.validator.quantities import Amount
from services.validator.remembered import note, remembered
from services.validator.scales import Tables, TableScale
from services.validator.scanner import Figure, scan
from services.validator.units import COUNT, CURRENCY_CODES, ORDINAL, named_units

__all__ = ["Figure", "FigureText", "read_cell", "read_figures"]


@dataclass(frozen=True)
class FigureText:
    """A text with its figures."""

    text: str
    figures: tuple[Figure, ...]
    units: frozenset[str] = field(repr=False)

    def holds(self, figure: Figure) -> bool:
        """Say whether another text's figure stands in this one."""
        if any(
            self._holds_date(reading)
            if isinstance(reading, Date)
            else self._holds_amount(reading, figure)
            for reading in figure.readings
        ):
            return True
        return not figure.readings and _stands_literally(figure, self.text)

    def nearest(self, figure: Figure) -> str | None:
        """Return how this text has the same digits in another unit, scale or sign, if it does."""
        digits = {_digits(r.value) for r in figure.readings if isinstance(r, Amount)}
        digits = {some for some in digits if len(some) > 1}  # '10' is no nearer to '1' than '2' is
        for other in self.figures:
            if any(isinstance(r, Amount) and _digits(r.value) in digits for r in other.readings):
                return other.text
        return None

    def _holds_date(self, date: Date) -> bool:
        if any(date.within(other) for other in self._dates):
            return True
        rest = date.without_year()
        # a table has 'December 31,' in one cell and the year in another
        return (
            date.year is not None
            and rest != Date()
            and Date(date.year) in self._dates
            and rest in self._dates
        )

    def _holds_amount(self, amount: Amount, ours: Figure) -> bool:
        return any(
            self._same_unit(amount.unit, other.unit)
            and (other.value == amount.value or (ours if amount.value > 0 else theirs).lowers)
            for other, theirs in self._amounts.get(abs(amount.value), ())
        )

    def _same_unit(self, ours: str | None, theirs: str | None) -> bool:
        if ours == theirs:
            return True
        if ours is None:  # 'revenue was 3.2 billion' leaves the currency to the reader
            return theirs in CURRENCY_CODES or theirs == COUNT
        if theirs is None:
            return ours in self.units
        return theirs == COUNT and ours not in CURRENCY_CODES and ours in self.units

    @cached_property
    def _amounts(self) -> dict[Decimal, list[tuple[Amount, Figure]]]:
        amounts = defaultdict(list)
        for figure in self.figures:
            for reading in figure.readings:
                if isinstance(reading, Amount):
                    amounts[abs(reading.value)].append((reading, figure))
        return dict(amounts)

    @cached_property
    def _dates(self) -> frozenset[Date]:
        return frozenset(r for f in self.figures for r in f.readings if isinstance(r, Date))


# the same passages are read by several checks, and come back with every popular question
@remembered(256)
def read_figures(text: str) -> FigureText:
    """Read all figures of a text, in their order. List markers and '[1]' are no figures."""
    note(len(text))
    figures = _with_tables(text, _with_ranges(text, list(scan(text))))
    return FigureText(text, tuple(figures), named_units(text))


@remembered(4_096)
def read_cell(text: str) -> tuple[Figure, ...]:
    """Read the figures of a table's cell or head by itself, without any scale stated elsewhere."""
    return tuple(_with_ranges(text, list(scan(text))))


_RANGE: Final = re.compile(r"\s?(?:-|\u2013|\u2014|to|or|and)\s?")
_LONGEST_RANGE: Final = len(" and ")


def _with_ranges(text: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    """In '2 to 3%' or '$2 to $3 billion' the first number is (or may be) in the second's unit."""
    for figure, following in zip_longest(figures, figures[1:]):
        if (
            following
            and following.start - figure.end <= _LONGEST_RANGE
            and figure.factor == 1
            and _RANGE.fullmatch(text, figure.end, following.start)
        ):
            yield figure._replace(readings=(*figure.readings, *_shared(figure, following)))
        else:
            yield figure


def _shared(figure: Figure, following: Figure) -> Iterator[Amount]:
    amounts = [r for r in following.readings if isinstance(r, Amount)]
    units = {r.unit for r in amounts if r.unit and r.unit != ORDINAL}
    for reading in figure.readings:
        if isinstance(reading, Amount):
            for unit in sorted(units):
                if reading.unit in (None, unit):
                    yield Amount(reading.value * following.factor, unit)
            if not units and following.factor != 1:
                yield Amount(reading.value * following.factor, reading.unit)


def _with_tables(text: str, figures: Iterable[Figure]) -> Iterator[Figure]:
    """Give bare numbers the scale that is stated above them, and brackets their meaning."""
    tables = Tables(text)
    for figure in figures:
        scale = tables.scale_at(figure.start) if figure.factor == 1 else None
        if scale is None and not figure.bracketed:
            yield figure
            continue
        row = tables.row_at(figure.start)
        readings = list(figure.readings)
        if figure.bracketed and row is None:  # in prose, '(3.2 million)' may be an aside
            readings += [Amount(-r.value, r.unit) for r in readings if isinstance(r, Amount)]
        if scale:
            readings = [s for r in readings for s in _scaled(r, scale, row, figure.text)]
        yield figure._replace(readings=tuple(readings))


def _scaled(
    reading: Amount | Date, scale: TableScale, row: str | None, written: str
) -> Iterator[Amount | Date]:
    if isinstance(reading, Date) or reading.unit not in {None, *CURRENCY_CODES}:
        yield reading
        return
    excepted = scale.exceptions and "." in written
    if row is None or excepted:
        yield reading
    else:  # '3,200' of a table in millions is no $3,200, but may be 3,200 of something
        yield Amount(reading.value, COUNT)
    if not (row and excepted and _PER.search(row)):
        yield Amount(reading.value * scale.factor, reading.unit)


_PER: Final = re.compile(r"\bper\b", re.IGNORECASE)


def _digits(value: Decimal) -> tuple[int, ...]:
    return value.normalize().as_tuple().digits


def _stands_literally(figure: Figure, text: str) -> bool:
    # a number must not be a piece of a longer one, a name not of a longer name
    before = r"(?<!\w)" if figure.text[0].isalnum() else ""
    after = r"(?!\w)"
    if not figure.name:
        before = r"(?<!\d[.,])" + before if figure.text[0].isdigit() else before
        after += r"(?![.,]\d)" if figure.text[-1].isdigit() else ""
    written = re.escape(figure.text)
    if figure.name:  # '10mph' is '10 mph', '4x4s' are '4 x 4'
        written = _BOUNDARY.sub(r"\\s?", written.removesuffix("s")) + "s?"
    return re.search(before + written + after, text, re.IGNORECASE) is not None


_BOUNDARY: Final = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=\dx)(?=\d)")
