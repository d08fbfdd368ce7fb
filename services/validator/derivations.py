"""Figures that stand nowhere but follow from some that do: growth, ratio, difference, sum, average.

Some two cells of a large table give nearly any number. So a figure is derived only from rows that
its words name, for the periods that they name, by an operation that they name, and only if it is
right to its last digit.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, DivisionByZero, InvalidOperation
from itertools import combinations, islice, permutations
from typing import Final

from services.validator.claims import Claim, step
from services.validator.dates import Date
from services.validator.directions import way_of
from services.validator.evidence import Evidence
from services.validator.labels import Query, stems
from services.validator.periods import Periods
from services.validator.series import Point, Series, series_of
from services.validator.units import COUNT, CURRENCY_CODES, PERCENT

_MOST: Final = 600
"""So many computations are tried for one figure at most."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """A computation that gives a figure: what of what."""

    text: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class _Try:
    """A computed value: `percent` of a whole, a plain ratio, or an amount in the rows' unit."""

    value: Decimal
    raw: Decimal
    kind: str
    text: str
    signed: bool = False


_CHANGE: Final = re.compile(
    r"\b(?:chang|increas|decreas|gr[eo]w|rose|ris|fell|fall|declin|drop|higher|lower|up\b|down\b|improv"
    r"|reduc|differ|gain|more\b|less\b|variation|between|delta|exceed|yoy|year[\s-]over[\s-]year)",
    re.IGNORECASE,
)
_DIFFERENCE: Final = re.compile(
    r"\b(?:differ|more\b|less\b|exceed|higher|lower|greater|net\b|between|gap|excluding|minus|after"
    r"|without|remain|un\w+ed\b|spread)",
    re.IGNORECASE,
)
_AVERAGE: Final = re.compile(r"\b(?:average|mean|averag)", re.IGNORECASE)
_SUM: Final = re.compile(
    r"\b(?:total|sum|combined|together|altogether|aggregate|in\sall|cumulative|both|overall|and)\b",
    re.IGNORECASE,
)
_RATIO: Final = re.compile(
    r"\b(?:ratio|percent|percentage|proportion|portion|share|margin|times|turnover|per|represent\w*"
    r"|account\w*|divided|relative|constitut\w*|compris\w*|fraction|as\sa|of\stotal|out\sof)\b|%",
    re.IGNORECASE,
)
_INVERTED: Final = re.compile(
    r"\b(?:was|were|is|are|relat\w+|consist\w*|attribut\w*|comes?|came|made|represent\w*|due)\b",
    re.IGNORECASE,
)
_SHARE_OF: Final = re.compile(
    r"(?:percent(?:age)?|%|portion|share|proportion|part|fraction)\sof\s(?:the\s|total\s|its\s|our\s"
    r"|company's\s)*\Z",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(r"\b(?:to|through|over|from|three|3)\b|[\u2013-]", re.IGNORECASE)


def derive(claim: Claim, evidence: Evidence) -> Derivation | None:
    """Return how a claimed amount follows from the evidence, if it does."""
    text = f"{claim.sentence} {claim.question}"
    query = evidence.vocabulary.known(
        Query.of((stems(claim.sentence), 1.0), (stems(claim.question), 0.7))
    )
    rows = series_of(evidence, query)
    if not rows:
        return None
    periods = _named(claim)
    for tried in islice(_tries(claim, text, rows, periods), _MOST):
        if _is_it(claim, tried, text):
            return Derivation(tried.text, tried.value)
    return None


def _named(claim: Claim) -> Periods:
    """Return the periods that a claim names: its own, with the question's if it has but one."""
    periods = claim.spoken
    if len(periods) < 2:  # noqa: PLR2004 - a change has two
        periods |= claim.asked
    years = sorted({d.year for d in periods if d.year})
    if len(years) == 2 and years[1] - years[0] > 1 and _RANGE.search(claim.sentence + claim.question):  # noqa: PLR2004 - '2017 to 2019' names 2018 too
        between = frozenset(Date(year) for year in range(years[0] + 1, years[1]))
        return periods | between
    return periods


def _tries(
    claim: Claim, text: str, rows: Sequence[Series], periods: Periods
) -> Iterator[_Try]:
    unit = next((a.unit for a in claim.amounts), None)
    fraction = unit == PERCENT or (unit is None and claim.figure.factor == 1)
    if _AVERAGE.search(text):
        yield from _averages(rows, periods)
        if _RATIO.search(text):
            yield from _average_ratios(rows, periods)
    if _CHANGE.search(text):
        for row in rows:
            yield from _changes(row, periods, fraction=fraction)
    if _RATIO.search(text) and (fraction or unit == "times"):
        yield from _ratios(text, rows, periods)
    if _DIFFERENCE.search(text):
        yield from _differences(rows, periods)
    if _SUM.search(text):
        yield from _sums(rows, periods)


def _pairs(row: Series, periods: Periods) -> Iterator[tuple[Point, Point]]:
    """Return (old, new) pairs of a row that the periods mean: first and last, or one before one."""
    points = row.at(periods)
    everything = row.at(frozenset())
    if not periods:
        if len(everything) > 1:
            yield everything[-2], everything[-1]
        return
    if len(points) > 1:
        yield points[0], points[-1]
        return
    if len(points) == 1:
        at = everything.index(points[0])
        if at:
            yield everything[at - 1], points[0]


def _changes(row: Series, periods: Periods, *, fraction: bool) -> Iterator[_Try]:
    for old, new in _pairs(row, periods):
        yield _Try(
            new.value - old.value,
            new.raw - old.raw,
            "percent" if new.percent else "amount",
            f"the change in {row.label}, {new.fact.written} less {old.fact.written}",
            signed=True,
        )
        if fraction and old.value:
            growth = (new.value - old.value) / abs(old.value) * 100
            yield _Try(
                growth,
                growth,
                "percent",
                f"the change in {row.label} from {old.fact.written} to {new.fact.written}",
                signed=True,
            )
            if old.value < 0:
                yield _Try(-growth, -growth, "percent", f"the change in {row.label}", signed=True)


def _same_time(
    one: Series, other: Series, periods: Periods
) -> Iterator[tuple[Point, Point]]:
    """Return the values of two rows for the same period, of the periods named."""
    chosen = one.at(periods) or (one.at(frozenset()) if not periods else [])
    for a in chosen:
        for b in other.points:
            if a.fact is not b.fact and (a.date == b.date or None in {a.date, b.date}):
                yield a, b


def _differences(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for one, other in permutations(rows[:5], 2):
        for a, b in _same_time(one, other, periods):
            yield _Try(
                a.value - b.value,
                a.raw - b.raw,
                "percent" if a.percent else "amount",
                f"{one.label} less {other.label}",
            )


def _sums(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for row in rows:
        points = row.at(periods)
        if len(points) > 1:
            yield _total(points, f"the sum of {row.label}")
    for count in (2, 3, 4):
        for chosen in combinations(rows[:6], count):
            for first in chosen[0].at(periods):
                points = [first]
                for row in chosen[1:]:
                    points += [p for p in row.points if p.date == first.date][:1]
                if len(points) == count and len({id(p.fact) for p in points}) == count:
                    yield _total(points, "the sum of " + " and ".join(r.label for r in chosen))


def _total(points: Sequence[Point], text: str) -> _Try:
    return _Try(
        sum((p.value for p in points), Decimal(0)),
        sum((p.raw for p in points), Decimal(0)),
        "percent" if points[0].percent else "amount",
        text,
    )


def _mean(points: Sequence[Point], text: str) -> _Try:
    total, count = _total(points, text), len(points)
    return _Try(total.value / count, total.raw / count, total.kind, text)


def _averages(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for row in rows:
        points = row.at(periods)
        if len(points) > 1:
            yield _mean(points, f"the average of {row.label}")
        if len(points) == 1:  # an average balance is that of the year's beginning and end
            everything = row.at(frozenset())
            at = everything.index(points[0])
            if at:
                yield _mean(everything[at - 1 : at + 1], f"the average of {row.label}")
    for count in (2, 3):
        for chosen in combinations(rows[:5], count):
            for first in chosen[0].at(periods):
                points = [first]
                for row in chosen[1:]:
                    points += [p for p in row.points if p.date == first.date][:1]
                if len(points) == count:
                    yield _mean(points, "the average of " + " and ".join(r.label for r in chosen))


def _ratios(text: str, rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for one, other in permutations(rows[:6], 2):
        if not _over(text, one, other):
            continue
        for a, b in _same_time(one, other, periods):
            if b.value:
                share = a.value / b.value
                yield _Try(share, share, "ratio", f"{one.label} over {other.label}")
    for row in rows[:3]:
        points = row.at(periods)
        if len(points) == 2 and points[0].value:  # noqa: PLR2004 - one as a share of the other
            share = points[1].value / points[0].value
            yield _Try(share, share, "ratio", f"{row.label}, the later over the earlier")
    for one, two, whole in islice(permutations(rows[:5], 3), 60):
        for a, b in _same_time(one, two, periods):
            for _, c in _same_time(one, whole, frozenset({a.date} if a.date else ())):
                if c.value and c.fact not in {a.fact, b.fact}:
                    share = (a.value + b.value) / c.value
                    yield _Try(
                        share, share, "ratio", f"{one.label} and {two.label} over {whole.label}"
                    )


def _average_ratios(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for one, other in permutations(rows[:5], 2):
        shares = [a.value / b.value for a, b in _same_time(one, other, periods) if b.value]
        if len(shares) > 1:
            mean = sum(shares, Decimal(0)) / len(shares)
            yield _Try(mean, mean, "ratio", f"the average of {one.label} over {other.label}")


def _over(text: str, one: Series, other: Series) -> bool:
    """Say whether the text can mean `one` over `other`, by the order that it names them in."""
    first, second = _mention(text, one, other), _mention(text, other, one)
    if first is None or second is None:
        return True
    between = text[min(first, second) : max(first, second)]
    inverted = bool(_SHARE_OF.search(text[: min(first, second)]) and _INVERTED.search(between))
    return (first < second) != inverted


_WORD: Final = re.compile(r"[^\W\d_]+")


def _mention(text: str, row: Series, other: Series) -> int | None:
    """Return where a text first has a word of one row that the other has not."""
    own = row.words - other.words
    for match in _WORD.finditer(text):
        if stems(match[0]) & own:
            return match.start()
    return None


def _is_it(claim: Claim, tried: _Try, text: str) -> bool:
    """Say whether a computed value is the claimed one, to its last digit and by its sign."""
    way = claim.direction or way_of(claim.sentence) or (way_of(text) if claim.bare else 0)
    for amount in claim.amounts:
        half = step(claim.figure, amount) / 2
        for value in _readings(amount.unit, claim, tried):
            target = amount.value
            if tried.signed and way and target > 0:
                target = target if way > 0 else -target
            try:
                if abs(value - target) <= half:
                    return True
            except (InvalidOperation, DivisionByZero):
                return False
    return False


def _readings(unit: str | None, claim: Claim, tried: _Try) -> Iterator[Decimal]:
    """Return the computed value in the claim's unit."""
    bare = unit is None and claim.figure.factor == 1
    if tried.kind == "amount":
        if unit in {None, COUNT, *CURRENCY_CODES} or unit != PERCENT:
            yield tried.value
        if bare or claim.bare:
            yield tried.raw
    elif tried.kind == "percent":
        if unit == PERCENT:
            yield tried.value
        elif bare:
            yield tried.value
            yield tried.value / 100
    elif unit == PERCENT:
        yield tried.value * 100
    elif bare or unit == "times":
        yield tried.value
        yield tried.value * 100
