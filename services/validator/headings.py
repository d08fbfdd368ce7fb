"""What the heads and labels of a table say: periods, and that something is a change."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from services.validator.dates import Date
from services.validator.figures import read_cell
from services.validator.grid import Line
from services.validator.periods import Periods, dates_of, is_date
from services.validator.scales import TABLE_SCALE, may_state_scale

_NOTE: Final = re.compile(
    r"\s*\((?:\d{1,2}|[a-z]|(?:see\s)?note[^)]*)\)|[*\u00b9\u00b2\u00b3\u2070-\u2079\u2020\u2021]+",
    re.IGNORECASE,
)
_KIND_OF_YEAR: Final = re.compile(r"(?<!\w)((?:19|20)\d{2})[AEFP]\b")
"""A year that is actual, estimated, forecast or projected."""
_BRACKETS: Final = re.compile(r"\([^()]*+\)")
_MONEY: Final = re.compile(rf"{TABLE_SCALE}|[$€£¥]|\bRMB")
_SIGN: Final = re.compile(r"[$€£¥]|\bRMB")
_MAY_BE_NOTE: Final = re.compile(r"[(*\u00b9\u00b2\u00b3\u2070-\u2079\u2020\u2021]")
_MAY_BE_YEAR: Final = re.compile(r"\d(?:[AEFP]\b|\s[09]\s)")
_SPACED_YEAR: Final = re.compile(r"(?<![\d.,]\s)(?<!\S)([12])\s([09])\s(\d)\s(\d)(?![.,\d]|\s\d)")
_TIME: Final = (
    r"\b(?:for|the|as|of|at|in|and|years?|fiscal|ended|ending|months?|quarters?|weeks?|three|six"
    r"|nine|twelve|fifty|two|restated|unaudited|audited|balance|to|through|note|m|mn|january"
    r"|february|march|april|may|june|july|august|september|october|november|december|sept?|jan|feb"
    r"|mar|apr|jun|jul|aug|oct|nov|dec|first|second|third|fourth|q[1-4]|fye?)\b|\bfye?(?=\d)"
    r"|\bRMB\b|million|thousand|billion|[^\w]|\d|_"
)
_OF_TIME: Final = re.compile(_TIME, re.IGNORECASE)
_ONLY_TIME: Final = re.compile(rf"(?>{_TIME})*+", re.IGNORECASE)
_VERSUS: Final = re.compile(
    r"(?:19|20)\d{2}\s{0,2}(?:vs\.?|versus|over|compared\s(?:to|with))\s{0,2}(?:19|20)\d{2}"
    r"|(?:%\s?)?(?:%|changes?|variance|decrease\)?)\s{1,2}(?:from\s)?(?:19|20)\d{2}\s?(?:to|[-\u2013])"
    r"\s{0,2}(?:19|20)\d{2}",
    re.IGNORECASE,
)
_CHANGE: Final = (
    r"(?:[$%]\s{0,2})?\b(?:changes?|variance)\b(?:\s{0,2}(?:increase|\(?decrease\)?|[$%/])){0,4}"
)
_BY_ITSELF: Final = re.compile(_CHANGE, re.IGNORECASE)
_VERSUS_OR_CHANGE: Final = re.compile(
    rf"{_VERSUS.pattern}|{_CHANGE}(?=\s*(?:{_CHANGE}\s*)?(?:19|20)\d{{2}}\b)", re.IGNORECASE
)
"""As well a head of changes that stands between the years."""
_YEAR: Final = re.compile(r"(?<!\w)(?:19|20)\d{2}(?!\w)")
_OPENS: Final = re.compile(r"(?:\([^)\d]{0,60}\)\s)?(?:19|20)\d{2}\s")
"""How a line begins that has the head of the first column in what looks like its label."""


def without_notes(text: str) -> str:
    """Return a label without the marks of footnotes."""
    return _NOTE.sub("", text).strip(" :")


def without_brackets(text: str) -> str:
    """Return a label without what stands in brackets: 'Carrying amount (non-current (assets))'."""
    while (less := _BRACKETS.sub(" ", text)) != text:
        text = less
    return text


@lru_cache(maxsize=1_024)
def plain(text: str) -> str:
    """Return a head without its scale and currency, which would make '2019 €m' an amount.

    A year whose digits were set apart ('2 0 1 9') is written as one, '2019A' without its letter.
    """
    # most cells and labels have none of these, which a glance tells
    text = (_MONEY if may_state_scale(text) else _SIGN).sub(" ", text)
    if _MAY_BE_NOTE.search(text):
        text = _NOTE.sub(" ", text)
    if not _MAY_BE_YEAR.search(text):
        return text
    return _SPACED_YEAR.sub(r"\1\2\3\4", _KIND_OF_YEAR.sub(r"\1", text))


def subject(text: str) -> str:
    """Return what a head says beside its time, scale and currency."""
    return " ".join(_OF_TIME.sub(" ", plain(text)).split())


def is_of_time(text: str) -> bool:
    """Say whether a text is nothing but a time: 'Year ended December 31, 2019'."""
    return _ONLY_TIME.fullmatch(plain(text)) is not None


def dates_in(text: str) -> list[Date]:
    """Return the dates with a year that a head or label names, in their order."""
    found = (dates_of(figure) for figure in read_cell(plain(text)))
    return [dates[0] for dates in found if dates and dates[0].year]


def periods_in(text: str) -> Periods:
    """Return the periods that a head or label names; a month and its year may stand apart."""
    found = [dates_of(figure)[0] for figure in read_cell(plain(text)) if is_date(figure)]
    years = [date for date in found if date.year]
    parts = [date for date in found if not date.year]
    if not years:
        return frozenset(found)
    if parts and all(d == Date(d.year) for d in years):
        return frozenset(_dated(d, parts[0]) for d in years)
    return frozenset(years)


def merged(column: Periods, own: Periods) -> Periods:
    """Return the periods of a cell, from its column's and those that its row's label names."""
    if not column or not own:
        return column or own
    if all(date.year is None for date in own):
        return frozenset(_dated(c, o) for c in column for o in own)
    if all(date.year is None for date in column):
        return frozenset(_dated(o, c) for c in column for o in own)
    return own | column


def _dated(year: Date, part: Date) -> Date:
    return Date(
        year.year,
        part.month or year.month,
        part.day or year.day,
        part.quarter or year.quarter,
        part.half or year.half,
    )


def over(head: Line, index: int) -> str:
    """Return what a head line says of a column: its cell, or the one that spans it."""
    texts = [cell.text for cell in head.cells]
    if index < len(texts) and texts[index]:
        return texts[index]
    written = [i for i, text in enumerate(texts) if text]
    if not written:
        return ""
    if len(written) == 1:
        return texts[written[0]]
    width = len(texts) // len(written)
    if len(texts) % len(written) == 0 and [i // width for i in written] == [*range(len(written))]:
        return texts[written[min(index // width, len(written) - 1)]]  # each over as many columns
    left = [i for i in written if i <= index]
    return texts[left[-1]] if left else ""


def date_groups(heads: Sequence[Line]) -> list[list[Date | None]]:
    """Return the lists of dates that head lines give their columns; single ones are one list.

    None is a column of changes ('2019 vs 2018').
    """
    groups: list[list[Date | None]] = []
    single = False
    for head in heads:
        dates = list(_head_dates(head))
        if not dates:
            continue
        before = next((date for date in reversed(groups[-1]) if date), None) if single else None
        joins = sum(map(bool, dates)) == 1 and _alike(before, dates[-1])
        if groups and (dates == [None] or joins):
            groups[-1] += dates
        else:
            groups.append(dates)
            single = len(dates) == 1
    return groups


def _alike(one: Date | None, other: Date | None) -> bool:
    """Say whether two dates are written alike: two years, or two days."""
    return one is not None and other is not None and (one.month is None) == (other.month is None)


def _head_dates(head: Line) -> Iterator[Date | None]:
    part = next((d for d in _undated(head.label.text)), None) if head.cells else None
    texts = [cell.text for cell in head.cells]
    if not texts or _runs_into(head):
        texts = [" ".join([head.label.text, *texts])]  # '2018 vs' and '2017' are one head
    elif len(texts) == 1 and not head.placed and _BY_ITSELF.fullmatch(head.label.text):
        yield None  # a head by itself, read as the label of the next
    seen = False
    for text in texts:
        changes = _VERSUS if head.placed or _VERSUS.search(text) else _VERSUS_OR_CHANGE
        position = 0
        for match in [*changes.finditer(text), None]:
            piece = text[position : match.start() if match else len(text)]
            for date in dates_in(piece):
                seen = True
                yield _dated(date, part) if part and date == Date(date.year) else date
            if match:
                if seen or changes is _VERSUS:
                    yield None
                position = match.end()


def _runs_into(head: Line) -> bool:
    """Say whether heads of its columns ran into its label: '(in millions) 2019 Change'."""
    label = head.label.text
    if head.placed or not any(_YEAR.finditer(label)):
        return False
    return _OPENS.match(label) is not None or is_of_time(label)


def _undated(text: str) -> Iterator[Date]:
    for figure in read_cell(text):
        dates = dates_of(figure)
        if dates and not dates[0].year:
            yield dates[0]
