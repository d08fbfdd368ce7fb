"""Which period each figure of a sentence is for, and whether two periods can be the same."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from services.validator.dates import Date
from services.validator.figures import Figure
from services.validator.quantities import Amount

Periods = frozenset[Date]

NO_PERIOD: Final[Periods] = frozenset()

_WORDS_OF_TIME: Final = (
    r"in|for|at|as|of|during|on|the|fiscal|full|calendar|years?|ended|ending|end|year-end|through"
    r"|three|six|nine|twelve|months?|quarters?|first|second|third|fourth|same|both|over|period|and"
    r"|a|share|per|per-share|approximately|about|respectively|total|net"
)
_ATTACHED: Final = re.compile(rf"(?:[\s,()'\u2019-]|\b(?:{_WORDS_OF_TIME})\b)*+", re.IGNORECASE)
_JOINED: Final = re.compile(
    r"\s*(?:,?\s*(?:and|or|to|through|versus|vs\.?|&)|[,\u2013\u2014/-])?\s*(?:the\s)?[$€£]?\s*",
    re.IGNORECASE,
)
_BEFORE_THAT: Final = re.compile(
    r"\b(?:prior|previous|preceding|last)[\s-](?:fiscal\s)?year|\ba?\s?year\s(?:ago|earlier|before)",
    re.IGNORECASE,
)
_FOR_NEXT: Final = re.compile(r"\s?:\s?[($€£¥-]{0,3}\d")
_REACH: Final = 60
_EARLY: Final = 2
"""A fiscal year that ends by February is mostly called after the year before."""


def dates_of(figure: Figure) -> tuple[Date, ...]:
    """Return the dates that a figure may be; none if it is an amount only."""
    readings = figure.readings
    if len(readings) == 1:  # as most have
        (only,) = readings
        return (only,) if isinstance(only, Date) else ()
    return tuple([reading for reading in readings if isinstance(reading, Date)])


def amounts_of(figure: Figure) -> tuple[Amount, ...]:
    """Return the amounts that a figure may be; none if it is a date only."""
    readings = figure.readings
    if len(readings) == 1:
        (only,) = readings
        return (only,) if isinstance(only, Amount) else ()
    return tuple([reading for reading in readings if isinstance(reading, Amount)])


def years_of(periods: Periods) -> set[int]:
    """Return the years that dates name."""
    return {date.year for date in periods if date.year}


def is_date(figure: Figure) -> bool:
    """Say whether a figure is read as a date: one that can be a year is one."""
    for reading in figure.readings:  # noqa: SIM110 - asked of each figure some ten times
        if isinstance(reading, Date):
            return True
    return False


def consistent(ours: Date, theirs: Date) -> bool:
    """Say whether two dates can be the same time: neither says what the other denies."""
    if not (
        ours.year == theirs.year
        or ours.year is None
        or theirs.year is None
        or _named_before(ours, theirs)
        or _named_before(theirs, ours)
    ):
        return False
    if ours.quarter is not None or theirs.quarter is not None:
        quarters = _quarter(ours), _quarter(theirs)
        if None not in quarters and quarters[0] != quarters[1]:
            return False
    return (
        (None in (ours.month, theirs.month) or ours.month == theirs.month)
        and (None in (ours.day, theirs.day) or ours.day == theirs.day)
        and (None in (ours.half, theirs.half) or ours.half == theirs.half)
    )


def _named_before(date: Date, name: Date) -> bool:
    return (
        date.month is not None
        and date.month <= _EARLY
        and date.year is not None
        and name.month is None
        and name.quarter is None
        and name.year == date.year - 1
    )


def _quarter(date: Date) -> int | None:
    if date.quarter is not None or date.month is None:
        return date.quarter
    return (date.month + 2) // 3 if date.month % 3 == 0 else None


def fit(ours: Periods, theirs: Periods) -> bool | None:
    """Say whether two sets of periods have one in common; None where either is not known."""
    if not ours or not theirs:
        return None
    return any(consistent(a, b) for a in ours for b in theirs)


def order(date: Date) -> tuple[int, int, int]:
    """Return what sorts dates in time."""
    month = date.month or (date.quarter or 0) * 3 or (date.half or 0) * 6 or 12
    return date.year or 0, month, date.day or 0


def assign(text: str, figures: Sequence[Figure], offset: int = 0) -> list[Periods]:
    """Return for each figure of a sentence the period it is for; for a date, itself.

    `offset` is where the sentence starts in the text that the figures' places count in.
    """
    own: list[Periods] = [frozenset(dates_of(figure)) for figure in figures]
    if not any(own):
        return own
    groups = _groups(text, figures, own, offset)
    found = list(own)
    dates = [group for group in groups if own[group[0]]]
    taken: set[int] = set()
    late = []
    for group in groups:
        if own[group[0]]:
            continue
        near = _respective(group, dates)
        if near:
            for index, date in zip(group, near, strict=True):
                found[index] = own[date]
            taken.update(near)
            continue
        for index in group:
            after = _following(text, figures, index, group, dates, offset)
            chosen = after or _preceding(text, figures, index, dates, taken, offset)
            if chosen is None:
                late.append(index)
                continue
            if after:
                taken.update(after)
            found[index] = _earlier(text, figures[index], _union(own, chosen), offset)
    for index in late:
        found[index] = _union(own, _next_free(index, dates, taken))
    return found


def _next_free(index: int, dates: Iterable[list[int]], taken: set[int]) -> list[int]:
    """Return the first dates behind a figure that are no other's; empty where there are none."""
    return next((g for g in dates if g[0] > index and not taken.intersection(g)), [])


def _groups(
    text: str, figures: Sequence[Figure], own: Sequence[Periods], offset: int
) -> list[list[int]]:
    """Return runs of figures of one kind with nothing but 'and', 'to' or a comma between them."""
    groups: list[list[int]] = [[0]] if figures else []
    for index, (one, other) in enumerate(pairwise(figures)):
        alike = bool(own[index]) == bool(own[index + 1])
        if alike and _JOINED.fullmatch(text, one.end - offset, other.start - offset):
            groups[-1].append(index + 1)
        else:
            groups.append([index + 1])
    return groups


def _respective(group: list[int], dates: Iterable[list[int]]) -> list[int] | None:
    if len(group) == 1:
        return None
    same = [d for d in dates if len(d) == len(group)]
    return min(same, key=lambda d: abs(d[0] - group[0])) if same else None


def _following(  # noqa: PLR0913, PLR0917 - what a place in a sentence has around it
    text: str,
    figures: Sequence[Figure],
    index: int,
    group: list[int],
    dates: Sequence[list[int]],
    offset: int,
) -> list[int] | None:
    end = figures[group[-1]].end - offset
    for date in dates:
        if date[0] == group[-1] + 1 and index in group:
            gap = text[end : figures[date[0]].start - offset]
            if _FOR_NEXT.match(text, figures[date[-1]].end - offset):
                return None  # '5 million (2018: 4 million)'
            if len(gap) <= _REACH and _ATTACHED.fullmatch(gap):
                return date
    return None


_OTHER_TIME: Final = re.compile(r"\b(?:to|from|compared|versus|vs|against|than)\b", re.IGNORECASE)


def _preceding(  # noqa: PLR0913, PLR0917 - what a place in a sentence has around it
    text: str,
    figures: Sequence[Figure],
    index: int,
    dates: Sequence[list[int]],
    taken: set[int],
    offset: int,
) -> list[int] | None:
    """Return the last date before a figure; in 'from 4 in 2018 to 5' that of the 4 is not it."""
    for date in reversed([date for date in dates if date[-1] < index]):
        gap = text[figures[date[-1]].end - offset : figures[index].start - offset]
        if not (taken.intersection(date) and _OTHER_TIME.search(gap)):
            return date
    return None


def _union(own: Sequence[Periods], group: Sequence[int]) -> Periods:
    return own[group[0]] if len(group) == 1 else NO_PERIOD.union(*(own[i] for i in group))


def _earlier(text: str, figure: Figure, periods: Periods, offset: int) -> Periods:
    """Return the year before where the words around a figure say 'the prior year'."""
    if "year" not in text.lower():
        return periods
    start, end = figure.start - offset, figure.end - offset
    if _BEFORE_THAT.search(text[end : end + 30]):
        return frozenset(Date(d.year - 1) for d in periods if d.year)
    if _BEFORE_THAT.search(text[max(0, start - 30) : start]):
        return frozenset(Date(d.year - 1) for d in periods if d.year)
    return periods
