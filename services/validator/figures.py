"""The figures of a text (amounts and dates), and whether they stand in another text.

A figure may have several readings: '3,200' in a table 'in millions' is 3,200 million, '2' in '2 to
3%' is 2 percent, '03/04/2023' is a day in March or in April. It stands in a passage when one of
its readings is one of theirs.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import zip_longest
from typing import Final

from services.validator.dates import DATE_START, DATE_WORDS, Date, dates_at
from services.validator.quantities import (
    NUMBER_START,
    NUMBER_WORDS,
    Amount,
    Number,
    number_at,
)
from services.validator.scales import TABLE_SCALE, Tables, TableScale
from services.validator.units import (
    COUNT,
    CURRENCY_CODES,
    CURRENCY_STARTS,
    ORDINAL,
    named_units,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and where it stands. Without `readings` it could not be read.

    `lowers`: the words around it say that it is a loss or a decrease, which is another way to
    write a minus sign. `name`: digits within a name, which can only stand literally.
    """

    text: str
    start: int
    end: int
    readings: tuple[Amount | Date, ...]
    factor: Decimal = Decimal(1)
    lowers: bool = False
    bracketed: bool = False
    name: bool = False


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
            else self._holds_amount(reading, lowers=figure.lowers)
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

    def _holds_amount(self, amount: Amount, *, lowers: bool) -> bool:
        return any(
            (other.value == amount.value or (lowers if amount.value > 0 else other_lowers))
            and self._same_unit(amount.unit, other.unit)
            for other, other_lowers in self._amounts.get(abs(amount.value), ())
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
    def _amounts(self) -> dict[Decimal, list[tuple[Amount, bool]]]:
        amounts = defaultdict(list)
        for figure in self.figures:
            for reading in figure.readings:
                if isinstance(reading, Amount):
                    amounts[abs(reading.value)].append((reading, figure.lowers))
        return dict(amounts)

    @cached_property
    def _dates(self) -> frozenset[Date]:
        return frozenset(r for f in self.figures for r in f.readings if isinstance(r, Date))


# the same passages are read by several checks, and come back with every popular question
@lru_cache(maxsize=256)
def read_figures(text: str) -> FigureText:
    """Read all figures of a text, in their order. List markers and '[1]' are no figures."""
    figures = _with_tables(text, _with_ranges(text, list(_scan(text))))
    return FigureText(text, tuple(figures), named_units(text))


@lru_cache(maxsize=4_096)
def read_cell(text: str) -> tuple[Figure, ...]:
    """Read the figures of a table's cell or head by itself, without any scale stated elsewhere."""
    return tuple(_with_ranges(text, list(_scan(text))))


_SKIPPED: Final = (
    r"\[\d{1,3}\]"  # a reference '[1]'
    r"|(?<=\d)\(\d{1,3}\)"  # of a paragraph, '43(6)'
    r"|\b(?:passages?|sources?|steps?|excerpts?)\s\#?\d{1,2}"  # 'passages 1, 2 and 3'
    r"(?:(?:,|,?\s(?:and|or|to|&))?\s?\d{1,2}(?![\d.,%]))*+"
    r"|(?<!\w)(?:10-[KQ]|8-K|20-F|40-F|6-K|S-1)(?:/A)?(?!\w)|(?<!\w)401\(k\)"  # names of forms
)
_CANDIDATE: Final = re.compile(
    rf"(?P<skipped>{TABLE_SCALE}|{_SKIPPED})|{DATE_START}|{NUMBER_START}", re.IGNORECASE
)
_MARKER: Final = re.compile(r"\(?\d{1,2}[.)](?=\s)")
_INDENT: Final = 8
_PLACE: Final = re.compile(r"[A-Za-z]+|[\d($\u20ac\u00a3\u00a5\['\u2019.]|[^\W_]|\w")
_OPENERS: Final = frozenset(
    "in passage passages source sources step steps excerpt excerpts s q h fy fiscal final".split()
)
_WORDS: Final = _OPENERS | DATE_WORDS | NUMBER_WORDS | {code.lower() for code in CURRENCY_STARTS}
"""The words that anything of interest begins with: the large pattern is tried at these only."""


def _scan(text: str) -> Iterator[Figure]:
    position = end = 0
    while place := _PLACE.search(text, position):
        start = place.start()
        word = place[0]
        if word.isalpha() and word.isascii() and word.lower() not in _WORDS:
            position = place.end()
            continue
        position = start + 1
        if marker := _marker(text, start):
            position = marker
            continue
        candidate = _CANDIDATE.match(text, start)
        if candidate is None:
            position = place.end() if word.isalpha() else position
        elif candidate["skipped"]:
            position = candidate.end()
        elif dates := dates_at(text, start):
            for date in dates:
                yield Figure(text[date.start : date.end], date.start, date.end, date.readings)
            position = end = dates[-1].end
        elif number := number_at(text, start):
            yield _figure(text, replace(number, start=max(number.start, end)))
            position = end = number.end


def _marker(text: str, start: int) -> int | None:
    """Return where the marker of a list's point ends, '1.' or '(2)' at the start of a line."""
    match = _MARKER.match(text, start)
    if match is None:
        return None
    line = text.rfind("\n", max(0, start - _INDENT - 1), start) + 1
    if line == 0 and start > _INDENT:
        return None
    return match.end() if not text[line:start].strip() else None


def _figure(text: str, number: Number) -> Figure:
    readings: list[Amount | Date] = []
    if amount := number.amount:
        if _YEAR.fullmatch(text[number.start : number.end].strip("()")):
            readings.append(Date(int(abs(amount.value))))
        readings.append(amount)
    written = text[number.start : number.end]
    return Figure(
        written,
        number.start,
        number.end,
        tuple(readings),
        factor=number.factor,
        lowers=_is_lowered(text, number.start, number.end),
        bracketed=number.bracketed,
        name=number.name,
    )


_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_LOWERING: Final = re.compile(
    # a row 'Income (loss)' may be either, its brackets say which
    r"(?<!\()\b(?:loss(?:es)?|lost|decreas\w{0,4}|declin\w{0,4}|fell|fall(?:s|en|ing)?|drop\w{0,4}|down"
    r"|lower|negative|minus|deficits?|shortfall|reduc\w{0,6}|shr[aiu]nk|outflows?|used|less|cuts?"
    r"|expens\w{0,3}|costs?|charges?|paid|payments?|spen[dt]\w{0,3}|expenditures?|capex|additions"
    r"|purchases?|repurchas\w{0,3}|dividends?|impairments?|deduct\w{0,5}|tax(?:es|ation)?)\b",
    re.IGNORECASE,
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_CLAUSE_END: Final = re.compile(r"[.;!?]\s")


def _is_lowered(text: str, start: int, end: int) -> bool:
    before = _CLAUSE_END.split(text[max(0, start - 80) : start])[-1]
    line = before.rpartition("\n")[2]
    if _LETTER.search(line):
        before = line  # the label of its own row, not the row above
    after = _CLAUSE_END.split(text[end : end + 30].split("\n", 1)[0], maxsplit=1)[0]
    return bool(_LOWERING.search(before) or _LOWERING.search(after))


_RANGE: Final = re.compile(r"\s?(?:-|\u2013|\u2014|to|or|and)\s?")


def _with_ranges(text: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    """In '2 to 3%' or '$2 to $3 billion' the first number is (or may be) in the second's unit."""
    for figure, following in zip_longest(figures, figures[1:]):
        if following and figure.factor == 1 and _RANGE.fullmatch(text, figure.end, following.start):
            yield replace(figure, readings=(*figure.readings, *_shared(figure, following)))
        else:
            yield figure


def _shared(figure: Figure, following: Figure) -> Iterator[Amount]:
    units = {r.unit for r in following.readings if isinstance(r, Amount)} - {None, ORDINAL}
    for reading in figure.readings:
        if isinstance(reading, Amount):
            for unit in units:
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
        yield replace(figure, readings=tuple(readings))


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
    if figure.name:  # '10mph' is '10 mph', and there are '4x4s'
        written = _BOUNDARY.sub(r"\\s?", written.removesuffix("s")) + "s?"
    return re.search(before + written + after, text, re.IGNORECASE) is not None


_BOUNDARY: Final = re.compile(r"(?<=\d)(?=[^\W\d_])")
