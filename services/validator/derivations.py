"""Figures that stand nowhere but follow from some that do: growth, ratio, difference, sum, average.

Some two cells of a large table give nearly any number. So a figure is derived only from rows that
its words name, for the periods that they name, by an operation that they name, and only if it is
right to its last digit.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, DivisionByZero, InvalidOperation
from itertools import combinations, islice, permutations
from typing import Final

from services.validator.attribution import DOLLARS, is_plain_dollar
from services.validator.claims import Claim
from services.validator.dates import Date
from services.validator.directions import moves, way_of
from services.validator.evidence import Evidence
from services.validator.facts import Fact
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
    units: frozenset[str] = frozenset()


_CHANGE: Final = re.compile(
    r"\b(?:chang|increas|decreas|gr[eo]w|rose|ris|fell|fall|declin|drop|higher|lower|up\b|down\b|improv"
    r"|reduc|differ|gain|more\b|less\b|variation|between|delta|exceed|yoy|year[\s-]over[\s-]year)",
    re.IGNORECASE,
)
_DIFFERENCE: Final = re.compile(
    r"\b(?:differ|more\b|less\b|exceed|higher|lower|greater|net\sof|between|gap|excluding|minus|spread)",
    re.IGNORECASE,
)
_AVERAGE: Final = re.compile(r"\b(?:average|mean|averag)", re.IGNORECASE)
_SUM: Final = re.compile(
    r"\b(?:total|sum|combined|together|altogether|aggregate|in\sall|cumulative)\b",
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
    quarters = {d.quarter for d in periods}
    if len(quarters) == 2 and None in quarters:  # noqa: PLR2004 - 'Q4 2019 and 2018'
        quarter = next(q for q in quarters if q)
        periods = frozenset(replace(d, quarter=d.quarter or quarter) for d in periods)
    years = sorted({d.year for d in periods if d.year})
    if (
        len(years) == 2
        and years[1] - years[0] > 1
        and _RANGE.search(claim.sentence + claim.question)
    ):  # noqa: PLR2004 - '2017 to 2019' names 2018 too
        between = frozenset(Date(year) for year in range(years[0] + 1, years[1]))
        return periods | between
    return periods


def _tries(claim: Claim, text: str, rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    unit = next((a.unit for a in claim.amounts), None)
    fraction = unit == PERCENT or (unit is None and claim.figure.factor == 1)
    average, ratio = _AVERAGE.search(text), _RATIO.search(text)
    change = _CHANGE.search(text)
    if average:
        yield from _averages(rows, periods)
        if ratio:
            yield from _averages([one.over(other) for one, other in _ordered(text, rows)], periods)
    if change:
        for row in rows:
            yield from _changes(row, periods, growth=fraction)
    if ratio and (fraction or unit == "times"):
        yield from _ratios(text, rows, periods)
    if _DIFFERENCE.search(text):
        yield from _differences(rows, periods)
    if _SUM.search(text):
        yield from _sums(rows, periods)
    if change and (average or ratio):
        yield from _compound(text, rows, periods, average=bool(average), ratio=bool(ratio))
    if change and fraction:
        for one, other in _ordered(text, rows):
            for point in one.over(other).at(periods):
                more = (point.value - 1) * 100
                yield _Try(more, more, "percent", f"{one.label} beyond {other.label}", signed=True)
    if change and fraction and _DIFFERENCE.search(text):
        yield from _differences([row.growth() for row in rows], periods)


def _compound(
    text: str, rows: Sequence[Series], periods: Periods, *, average: bool, ratio: bool
) -> Iterator[_Try]:
    """Return changes of averages and ratios, averages of changes, ratios of changes."""
    few = rows[:4]
    if average:
        means = [row.averages() for row in few]
        for mean in means:
            yield from _changes(mean, periods, growth=False)
        yield from _differences(means, periods)
        yield from _averages([row.changes() for row in few], periods)
    if ratio:
        for one, other in _ordered(text, few):
            yield from _changes(one.over(other), periods, growth=False)
            for a, b in one.changes().beside(other.changes()):
                if b.value and (not periods or a in one.changes().at(periods)):
                    share = a.value / b.value
                    yield _Try(
                        share, share, "ratio", f"the changes in {one.label} and {other.label}"
                    )


def _named_first(text: str, one: Point, other: Point) -> bool:
    """Say whether a text names the year of one point before that of another."""
    if not one.date or not other.date or not one.date.year or not other.date.year:
        return False
    return -1 < text.find(str(one.date.year)) < text.find(str(other.date.year))


def _ordered(text: str, rows: Sequence[Series]) -> Iterator[tuple[Series, Series]]:
    """Return the pairs of rows of which the text can mean the first over the second."""
    for one, other in permutations(rows[:6], 2):
        if _over(text, one, other):
            yield one, other


def _pairs(row: Series, periods: Periods) -> Iterator[tuple[Point, Point]]:
    """Return (old, new) pairs of a row that the periods mean: first and last, or one before one."""
    points = row.at(periods)
    if not periods:
        points = points[-2:]
    if len(points) > 1:
        yield points[0], points[-1]
    elif points and (old := row.before(points[0])):
        yield old, points[0]


def _changes(row: Series, periods: Periods, *, growth: bool) -> Iterator[_Try]:
    for old, new in _pairs(row, periods):
        text = f"the change in {row.label}, {old.written} to {new.written}"
        yield _Try(
            new.value - old.value, new.raw - old.raw, new.kind, text, signed=True, units=new.units
        )
        if old.value < 0 > new.value:  # costs in brackets: how much more was spent
            yield _Try(
                old.value - new.value,
                old.raw - new.raw,
                new.kind,
                text,
                signed=True,
                units=new.units,
            )
        if growth and old.value:
            rate = (new.value - old.value) / abs(old.value) * 100
            yield _Try(rate, rate, "percent", text, signed=True)
            if old.value < 0:  # some divide by the negative base
                yield _Try(-rate, -rate, "percent", text, signed=True)


def _differences(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for one, other in permutations(rows[:5], 2):
        for a, b in one.beside(other):
            low, high = sorted((abs(a.value), abs(b.value)))
            if a.kind == b.kind and low * 1_000 > high and (not periods or a in one.at(periods)):
                text = f"{one.label} less {other.label}"
                yield _Try(a.value - b.value, a.raw - b.raw, a.kind, text, units=a.units | b.units)


def _together(rows: Sequence[Series], periods: Periods, most: int) -> Iterator[list[Point]]:
    """Return the points to add up: one row's over time, and several rows' at one time."""
    for row in rows:
        points = row.at(periods)
        if len(points) > 1:
            yield points
    for count in range(2, most + 1):
        for first, *others in combinations(rows[:6], count):
            for point in first.at(periods):
                points = [point]
                for row in others:
                    points += [p for p in row.points if p.date == point.date][:1]
                if len({p.facts for p in points}) == count and _alike(points):
                    yield points


def _alike(points: Sequence[Point]) -> bool:
    """Say whether values can be added up: of one kind, and none negligible beside another."""
    sizes = [abs(p.value) for p in points]
    return len({p.kind for p in points}) == 1 and min(sizes) * 1_000 > max(sizes)


def _sums(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for points in _together(rows, periods, 4):
        yield _total(points, "the sum of " + _written(points))


def _averages(rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    balances = [
        [old, points[0]]
        for row in rows
        if len(points := row.at(periods)) == 1 and (old := row.before(points[0]))
    ]
    for points in [*_together(rows, periods, 3), *balances]:
        total, count = _total(points, "the average of " + _written(points)), len(points)
        yield _Try(
            total.value / count, total.raw / count, total.kind, total.text, units=total.units
        )


def _total(points: Sequence[Point], text: str) -> _Try:
    value = sum((p.value for p in points), Decimal(0))
    units = frozenset[str]().union(*(p.units for p in points))
    return _Try(value, sum((p.raw for p in points), Decimal(0)), points[0].kind, text, units=units)


def _written(points: Iterable[Point]) -> str:
    return ", ".join(point.written for point in points)


def _ratios(text: str, rows: Sequence[Series], periods: Periods) -> Iterator[_Try]:
    for one, other in _ordered(text, rows):
        for point in one.over(other).at(periods):
            yield _Try(point.value, point.value, "ratio", f"{one.label} over {other.label}")
    for row in rows[:3]:
        points = row.at(periods)
        if len(points) == 2 and points[0].value:  # noqa: PLR2004 - one as a share of the other
            share = points[1].value / points[0].value
            if _named_first(text, points[0], points[1]):
                share = 1 / share if share else share
            yield _Try(share, share, "ratio", f"{row.label}, one time over another")
    for one, two, whole in islice(permutations(rows[:5], 3), 60):
        if not (_over(text, one, whole) and _over(text, two, whole)):
            continue
        for a, b in one.beside(two):
            for c in whole.points:
                same = c.date == a.date and c.facts not in {a.facts, b.facts} and a.value != b.value
                if same and c.value and (not periods or a in one.at(periods)):
                    share = (a.value + b.value) / c.value
                    text = f"{one.label} and {two.label} over {whole.label}"
                    yield _Try(share, share, "ratio", text)


def _over(text: str, one: Series, other: Series) -> bool:
    """Say whether the text can mean `one` over `other`, by the order that it names them in."""
    first, second = _mention(text, one, other), _mention(text, other, one)
    if first is None or second is None:
        return True
    between = text[min(first, second) : max(first, second)]
    inverted = bool(_SHARE_OF.search(text[: min(first, second)]) and _INVERTED.search(between))
    return (first < second) != inverted


_COMPUTED: Final = re.compile(
    r"\b(?:percentage\schange|change\sin|changed\sby|difference\s(?:in|between)|ratio\sof|sum\sof"
    r"|as\sa\spercent(?:age)?\sof|together|combined|altogether|growth\s(?:in|rate))\b",
    re.IGNORECASE,
)


def names_computation(claim: Claim) -> bool:
    """Say whether a claim says that its figure was computed: an average, a change, a sum of."""
    text = claim.question if claim.bare else claim.clause
    return bool(_AVERAGE.search(text) or _COMPUTED.search(text) or claim.direction)


def must_be_computed(claim: Claim, fact: Fact) -> bool:
    """Say whether a claim names a computation of which a table's cell is no result by itself."""
    text = claim.question if claim.bare else claim.clause
    if not fact.is_cell or fact.is_change:
        return False
    named = fact.words | fact.context
    if _AVERAGE.search(text) and not named & _MEANS:
        return True
    level = all(amount.unit != PERCENT for amount in fact.amounts)
    moved = level and claim.direction and not moves(fact.label)  # 'less allowances' moves nothing
    return bool((_COMPUTED.search(text) or moved) and not named & _RESULTS)


_MEANS: Final = stems("average mean weighted")
_RESULTS: Final = stems(
    "change increase decrease growth difference total ratio percentage margin net combined sum"
    " variance gain improvement reduction"
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def _mention(text: str, row: Series, other: Series) -> int | None:
    """Return where a text first has a word of one row that the other has not."""
    own, theirs = row.words - other.words, other.words - row.words
    tokens = [(match.start(), stems(match[0])) for match in _WORD.finditer(text)]
    if own:  # where most of them stand together
        width = len(own) + 2
        counts = [
            len(own & frozenset[str]().union(*(w for _, w in tokens[i : i + width])))
            if words & own
            else 0
            for i, (_, words) in enumerate(tokens)
        ]
        return tokens[counts.index(max(counts))][0] if any(counts) else None
    # 'audit fees' beside 'audit-related fees': where its words are and none of the other's
    near = {
        i + d for i, (_, words) in enumerate(tokens) if words & theirs for d in (-2, -1, 0, 1, 2)
    }
    return next((s for i, (s, w) in enumerate(tokens) if w & row.words and i not in near), None)


def _is_it(claim: Claim, tried: _Try, text: str) -> bool:
    """Say whether a computed value is the claimed one, to its last digit and by its sign."""
    way = claim.direction or way_of(claim.sentence) or (way_of(text) if claim.bare else 0)
    unsigned = not way and "differ" in text.lower()
    for amount, step in claim.readings:
        half = step / 2
        same = DOLLARS if is_plain_dollar(claim, amount) else {amount.unit}
        if amount.unit in CURRENCY_CODES and tried.units - same:
            continue
        for value in _readings(amount.unit, claim, tried):
            if unsigned and amount.value > 0 and abs(abs(value) - amount.value) <= half:
                return True
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
