"""What can be computed from the rows that a text names: each result with how it came about."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations, islice, permutations
from typing import Final, NamedTuple

from services.validator.dates import Date
from services.validator.mentions import (
    MOST_ROWS,
    columns_are_named,
    is_over,
    named_first,
    names_over,
    ordered,
)
from services.validator.periods import Periods
from services.validator.series import Point, Series

_NONE: Final = Decimal(0)
_PAIR: Final = 2
_TRIPLES: Final = 60
"""So many choices of three rows are tried at most."""


class Result(NamedTuple):
    """A computed value: `percent` of a whole, a plain ratio, or an amount in the rows' unit.

    `text` says how it came about, and goes on with the points that it is `of`; `units`: currencies
    beside theirs.
    """

    value: Decimal
    raw: Decimal
    kind: str
    text: str
    signed: bool = False
    units: frozenset[str] = frozenset()
    of: Sequence[Point] = ()

    # most results are not what is looked for, and nobody asks of what they are

    @property
    def told(self) -> str:
        """How it came about."""
        return " ".join([self.text, ", ".join(point.written for point in self.of)]).strip()

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies of what it was computed from."""
        return self.units.union(*(point.units for point in self.of))


def _pairs(row: Series, periods: Periods) -> Iterator[tuple[Point, Point]]:
    """Return (old, new) pairs of a row that the periods mean: first and last, or one before one."""
    points = row.at(periods)
    # its heads could not be read: two are old and new, of more nobody knows which are meant
    undated = not any(point.date for point in points)
    if not periods and not undated:
        points = points[-2:]
    if len(points) > 1 and (not undated or len(points) == (len(periods) or _PAIR)):
        yield points[0], points[-1]
        # a year that ends in January is called after either
        named = [point for point in points if _year_of(point, periods)]
        if 1 < len(named) < len(points):
            yield named[0], named[-1]
        if undated:  # it may begin with either
            yield points[-1], points[0]
    elif points and (old := row.before(points[0])):
        yield old, points[0]


def _year_of(point: Point, periods: Periods) -> bool:
    """Say whether a point is of a year that is named, as it is written."""
    return point.date is not None and point.date.year in {date.year for date in periods}


def values(row: Series, periods: Periods) -> Iterator[Result]:
    """Return the values of a computed series at the periods; its last where none is given."""
    points = row.at(periods)
    for point in points if periods else points[-1:]:
        yield Result(point.value, point.raw, point.kind, row.label, units=point.units)


def changes(row: Series, periods: Periods, *, growth: bool) -> Iterator[Result]:
    """Return by how much a row changed between the periods, and in percent if `growth`."""
    for old, new in _pairs(row, periods):
        text = f"the change in {row.label}, {old.written} to {new.written}"
        yield Result(
            new.value - old.value, new.raw - old.raw, new.kind, text, signed=True, units=new.units
        )
        if old.value < 0 > new.value:  # costs in brackets: how much more was spent
            yield Result(
                old.value - new.value,
                old.raw - new.raw,
                new.kind,
                text,
                signed=True,
                units=new.units,
            )
        if growth and old.value:
            rate = (new.value - old.value) / abs(old.value) * 100
            yield Result(rate, rate, "percent", text, signed=True)
            if old.value < 0:  # some divide by the negative base
                yield Result(-rate, -rate, "percent", text, signed=True)


def differences(text: str, rows: Sequence[Series], periods: Periods) -> Iterator[Result]:
    """Return the differences of two rows at one time."""
    for one, other in permutations(rows[:5], 2):
        if not columns_are_named(text, one, other):
            continue
        for a, b in one.beside(other):
            low, high = sorted((abs(a.value), abs(b.value)))
            if a.kind == b.kind and low * 1_000 > high and (not periods or a in one.at(periods)):
                less = f"{one.label} less {other.label}"
                yield Result(
                    a.value - b.value, a.raw - b.raw, a.kind, less, units=a.units | b.units
                )


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


def sums(rows: Sequence[Series], periods: Periods) -> Iterator[Result]:
    """Return the sums of one row over time and of several rows at one time."""
    for points in _together(rows, periods, 4):
        yield from _total(points, "the sum of")
    for count in range(2, 4):
        for several in combinations(rows[:4], count):  # of all rows over all of the time
            each = [row.at(periods) for row in several]
            points = [point for found in each for point in found]
            if {len(found) for found in each} == {len(each[0])} != {1} and _alike(points):
                yield from _total(points, "the sum of")


def averages(rows: Sequence[Series], periods: Periods) -> Iterator[Result]:
    """Return the averages of one row over time and of several rows at one time."""
    balances = [
        [old, points[0]]
        for row in rows
        if len(points := row.at(periods)) == 1 and (old := row.before(points[0]))
    ]
    for points in [*_together(rows, periods, 3), *balances]:
        yield from _total(points, "the average of", len(points))
        if len({p.date for p in points}) < len(points):
            continue
        years = frozenset[Date]().union(*(fact.periods for p in points for fact in p.facts))
        if len(points) < len(years):  # '2021-2022' is two
            yield from _total(points, "the average of", len(years))


def _total(points: Sequence[Point], text: str, parts: int = 1) -> Iterator[Result]:
    value = sum([p.value for p in points], _NONE) / parts
    raw = sum([p.raw for p in points], _NONE) / parts
    yield Result(value, raw, points[0].kind, text, of=points)
    if value < 0 and all(p.value < 0 for p in points):  # costs in brackets: how much was spent
        yield Result(-value, -raw, points[0].kind, text, of=points)


def ratios(text: str, rows: Sequence[Series], periods: Periods) -> Iterator[Result]:
    """Return what one row is of another, of itself at another time, and two rows of a third."""
    for one, other, point in _over(text, rows, periods):
        yield Result(point.value, point.value, "ratio", f"{one.label} over {other.label}")
    for row in rows[:3]:
        points = row.at(periods)
        if len(points) == _PAIR and points[0].value and points[1].value:
            first, second = points[::-1]
            if named_first(text, points[0], points[1]):
                first, second = points
            share = first.value / second.value
            yield Result(share, share, "ratio", f"{row.label}, one time over another")
    yield from _shares_of_two(text, rows, periods)


def _shares_of_two(text: str, rows: Sequence[Series], periods: Periods) -> Iterator[Result]:
    for one, two, whole in islice(permutations(rows[:5], 3), _TRIPLES):
        chosen = one.at(periods)
        if not chosen or not any(True for _ in one.beside(two)):
            continue
        if not (is_over(text, one, whole) and is_over(text, two, whole)):
            continue
        for a, b in one.beside(two):
            if a not in chosen or a.value == b.value:
                continue
            for c in whole.points:
                if c.value and c.date == a.date and c.facts not in {a.facts, b.facts}:
                    share = (a.value + b.value) / c.value
                    text_ = f"{one.label} and {two.label} over {whole.label}"
                    yield Result(share, share, "ratio", text_)


def of_two(
    rows: Sequence[Series], periods: Periods, *, average: bool, growth: bool
) -> Iterator[Result]:
    """Return changes of the sum of two rows, and averages of their difference."""
    for one, other in combinations(rows[:5], 2):
        yield from changes(one.plus(other), periods, growth=growth)
        if average:
            yield from averages([one.less(other), other.less(one), one.apart(other)], periods)


def compounds(
    text: str, rows: Sequence[Series], periods: Periods, *, average: bool, ratio: bool
) -> Iterator[Result]:
    """Return changes of averages and ratios, averages of changes, ratios of changes."""
    few = rows[:4]
    if average:
        means = [row.averages() for row in few]
        for mean in means:
            yield from changes(mean, periods, growth=False)
        yield from differences(text, means, periods)
        yield from averages([row.changes() for row in few], periods)
    if ratio:
        for one, other in ordered(text, few):
            yield from changes(one.over(other), periods, growth=False)
            for a, b in one.changes().beside(other.changes()):
                if b.value and (not periods or a in one.changes().at(periods)):
                    share = a.value / b.value
                    yield Result(
                        share, share, "ratio", f"the changes in {one.label} and {other.label}"
                    )


def excesses(text: str, rows: Sequence[Series], periods: Periods) -> Iterator[Result]:
    """Return by how many percent one row is more than another: 'A is 44% higher than B'."""
    for one, other, point in _over(text, rows, periods):
        more = (point.value - 1) * 100
        yield Result(more, more, "percent", f"{one.label} beyond {other.label}", signed=True)


def _over(
    text: str, rows: Sequence[Series], periods: Periods
) -> Iterator[tuple[Series, Series, Point]]:
    """Return what one row is of another at the periods, where the text can mean it."""
    then = {id(row): row.within(periods) for row in rows}
    for one, other in permutations(rows[:MOST_ROWS], 2):
        part = then[id(one)]
        # most have no time in common, which is sooner told than what the text means
        if any(True for _ in part.beside(other)) and names_over(text, one, other):
            for point in part.over(other).points:
                yield one, other, point
