"""Dates and reporting periods, as filings write them.

Own patterns rather than dateutil or dateparser: those guess (a bare '12' becomes a day of this
month) and know no quarters or fiscal years; a check must read only what is written.
"""

import re
from calendar import month_name
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
_ORDINALS: Final = {
    word: number
    for number, words in enumerate(
        ("first 1st", "second 2nd", "third 3rd", "fourth 4th final"), start=1
    )
    for word in words.split()
}
_CENTURY_PIVOT: Final = 70  # FY69 is 2069, FY70 is 1970


class Date(NamedTuple):
    """A date or period as far as it is written: 'December 31' has no year, 'FY2023' only one.

    Fiscal and calendar years are the same year here: a passage seldom says which it means.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    quarter: int | None = None
    half: int | None = None

    def __str__(self) -> str:
        """Say the date as people write it: 'December 31, 2023', 'Q3 2024', '2024'."""
        parts = [f"Q{self.quarter}"] if self.quarter else [f"H{self.half}"] if self.half else []
        if self.month:
            parts.append(month_name[self.month] + (f" {self.day}," if self.day else ""))
        return " ".join([*parts, str(self.year) if self.year else ""]).strip(" ,")

    def within(self, other: "Date") -> bool:
        """Say whether everything that this date says, `other` says too."""
        return (
            self.year in (None, other.year)
            and self.month in (None, other.month)
            and self.day in (None, other.day)
            and self.quarter in (None, other.quarter)
            and self.half in (None, other.half)
        )

    def without_year(self) -> "Date":
        """Return the rest of the date; tables name the year in another cell."""
        return Date(None, self.month, self.day, self.quarter, self.half)


class DateSpan(NamedTuple):
    """Text from `start` to `end` that is one date; several `readings` where it is ambiguous."""

    start: int
    end: int
    readings: tuple[Date, ...]


_MONTH: Final = rf"({'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_YEAR: Final = r"((?:19|20)\d{2})"
_NO_MORE: Final = r"(?!\d|[.,]\d|\s?%)"
_FISCAL: Final = r"(?:(?:the\s)?(?:FY|fiscal(?:\syear)?)\s?)"
_ORDINAL: Final = r"(first|second|third|fourth|final|1st|2nd|3rd|4th)"
_SHORT_YEAR: Final = rf"(?:['\u2019]?({_YEAR[1:-1]}|\d{{2}}))"


DATE_WORDS: Final = frozenset(_MONTHS) | {"first", "second", "third", "fourth", "final"}
"""The words that a date may begin with, in lower case, beside 'Q1', 'H2', 'FY' and 'fiscal'."""

DATE_START: Final = (
    rf"(?<![\w.])(?:{_MONTH[1:-7]}|Q[1-4]|H[12]|FY|fiscal|first|second|third|fourth|final)"
)
"""Pattern of where a date may begin, other than at a digit."""


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.])(?:{pattern})(?!\w)", re.IGNORECASE)


def dates_at(text: str, start: int) -> list[DateSpan]:
    """Return the dates that begin at `start`: none, one, or a list such as 'May 1, 2023 and 2022'.

    A bare year is no date here but a number that may be one: see `quantities`.
    """
    if text[start].isdecimal():
        readers = _AT_A_DIGIT if _MAY_BE.match(text, start) else ()
    else:
        readers = _AT_A_LETTER
    for pattern, read in readers:
        if match := pattern.match(text, start):
            spans = list(read(text, match))
            if spans:
                return spans
    return []


def _date(match: re.Match[str], *readings: Date | None) -> Iterator[DateSpan]:
    possible = tuple(dict.fromkeys(date for date in readings if date))
    if possible:
        yield DateSpan(match.start(), match.end(), possible)


def _day(year: int | None, month: int, day: int) -> Date | None:
    if 1 <= month <= 12 and 1 <= day <= 31:  # noqa: PLR2004 - the calendar's
        return Date(year, month, day)
    return None


def _full_year(digits: str) -> int:
    if len(digits) == len("2023"):
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _CENTURY_PIVOT else 2000)


def _iso(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, _day(int(m[1]), int(m[2]), int(m[3])))


def _numeric(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    first, second, year = int(m[1]), int(m[2]), _full_year(m[3])
    yield from _date(m, _day(year, first, second), _day(year, second, first))


_NEXT_YEAR: Final = re.compile(rf"[\s,|]{{1,6}}(?:and\s{{1,3}})?{_YEAR}(?![\d,.%])(?!\s?%)")


def _month_first(text: str, m: re.Match[str]) -> Iterator[DateSpan]:
    month, year = _MONTHS[m[1].lower()], int(m[3]) if m[3] else None
    yield from _date(m, _day(year, month, int(m[2])))
    # a table's head: 'December 31, 2023 2022 2021' is three dates
    end = m.end()
    while year and (following := _NEXT_YEAR.match(text, end)):
        end = following.end()
        date = _day(int(following[1]), month, int(m[2]))
        if date:
            yield DateSpan(following.start(1), end, (date,))


def _day_first(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, _day(int(m[3]) if m[3] else None, _MONTHS[m[2].lower()], int(m[1])))


def _short_day_first(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, _day(_full_year(m[3]), _MONTHS[m[2].lower()], int(m[1])))


def _short_month_year(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    """'Dec-19': heads of tables mean the year by it."""
    month = _MONTHS[m[1].lower()]
    yield from _date(m, Date(_full_year(m[2]), month), _day(None, month, int(m[2])))


def _month_year(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, Date(int(m[2]), _MONTHS[m[1].lower()]))


def _year_range(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    first, last = int(m[1]), _full_year(m[2])
    if first < last:
        yield DateSpan(m.start(), m.end(1), (Date(first),))
        yield DateSpan(m.start(2), m.end(), (Date(last),))
    elif len(m[2]) == len("12"):
        yield from _date(m, Date(first, int(m[2])) if 1 <= int(m[2]) <= 12 else None)  # noqa: PLR2004 - the calendar's


def _years(text: str, m: re.Match[str]) -> Iterator[DateSpan]:
    for year in re.finditer(r"\d{4}", text[m.start() : m.end()]):
        yield DateSpan(m.start() + year.start(), m.start() + year.end(), (Date(int(year[0])),))


def _quarter(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, Date(_full_year(m[2]) if m[2] else None, quarter=int(m[1])))


def _quarter_words(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, Date(_full_year(m[2]) if m[2] else None, quarter=_ORDINALS[m[1].lower()]))


def _half(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    half = int(m[1]) if m[1].isdigit() else _ORDINALS[m[1].lower()]
    yield from _date(m, Date(_full_year(m[2]) if m[2] else None, half=half))


def _fiscal_year(_: str, m: re.Match[str]) -> Iterator[DateSpan]:
    yield from _date(m, Date(_full_year(m[1])))


_Reader = Callable[[str, re.Match[str]], Iterator[DateSpan]]
_OF_YEAR: Final = rf"(?:[\s-]{{0,3}}(?:of\s)?{_FISCAL}?{_SHORT_YEAR}{_NO_MORE})?"

_Readers = tuple[tuple[re.Pattern[str], _Reader], ...]
_RANGE: Final = rf"{_YEAR}\s?[-\u2013\u2014/]\s?(\d{{4}}|\d{{2}}){_NO_MORE}"

_AT_A_DIGIT: Final[_Readers] = (
    (_compile(rf"(\d{{1,2}})-{_MONTH}-(\d{{2}}){_NO_MORE}"), _short_day_first),
    (_compile(rf"{_YEAR}[-/](\d{{2}})[-/](\d{{2}})(?!\d)"), _iso),
    (_compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?!\d)"), _numeric),
    (_compile(rf"(\d{{1,2}})\.(\d{{1,2}})\.{_YEAR}(?!\d)"), _numeric),
    (
        _compile(
            rf"(\d{{1,2}})(?:st|nd|rd|th)?[\s-]{{1,2}}(?:of\s)?{_MONTH}"
            rf"(?:[\s,-]{{1,3}}{_YEAR}{_NO_MORE})?"
        ),
        _day_first,
    ),
    (_compile(_RANGE), _year_range),
    (_compile(rf"{_YEAR}(?:,{_YEAR})++{_NO_MORE}"), _years),
    (_compile(rf"([1-4])Q{_OF_YEAR}"), _quarter),
    (_compile(rf"{_ORDINAL}[\s-](?:fiscal[\s-])?quarter{_OF_YEAR}"), _quarter_words),
    (_compile(rf"([12])H(?![A-Za-z]){_OF_YEAR}"), _half),
)
_MAY_BE: Final = re.compile(
    r"(?<![\w.])(?:\d{1,2}/|\d{1,2}\.\d{1,2}\.|\d{1,2}(?:st|nd|rd|th)"
    r"|\d{1,2}[\s-]{1,2}(?:of\s)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|(?:19|20)\d{2}(?:\s?[-\u2013\u2014/]\s?\d|,(?:19|20)\d)|[1-4]Q|[12]H)",
    re.IGNORECASE,
)
"""How each of the dates that begin with a digit begins; most numbers begin no date."""

_AT_A_LETTER: Final[_Readers] = (
    (
        _compile(
            rf"{_MONTH}\s{{1,4}}(\d{{1,2}})(?:st|nd|rd|th)?{_NO_MORE}"
            rf"(?:\s?,?\s{{0,4}}(?<=[\s,]){_YEAR}{_NO_MORE})?"
        ),
        _month_first,
    ),
    (_compile(rf"{_MONTH}\s(\d{{1,2}}){_YEAR}{_NO_MORE}"), _month_first),
    (_compile(rf"{_MONTH}(?:,|\sof)?[\s-]{{1,3}}{_YEAR}{_NO_MORE}"), _month_year),
    (_compile(rf"{_MONTH}[-'\u2019](\d{{2}}){_NO_MORE}"), _short_month_year),
    (_compile(rf"{_FISCAL}{_RANGE}"), _year_range),
    (_compile(rf"Q([1-4])(?!\d){_OF_YEAR}"), _quarter),
    (_compile(rf"{_ORDINAL}[\s-](?:fiscal[\s-])?quarter{_OF_YEAR}"), _quarter_words),
    (_compile(rf"H([12])(?!\d){_OF_YEAR}"), _half),
    (_compile(rf"(first|second)[\s-]half{_OF_YEAR}"), _half),
    (_compile(rf"{_FISCAL}{_SHORT_YEAR}{_NO_MORE}(?!/\d)"), _fiscal_year),
)
