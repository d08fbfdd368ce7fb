"""The figures of one thing over time: what is computed with, and what is computed along it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import fsum
from typing import Final, NamedTuple

from services.validator.dates import Date
from services.validator.evidence import Evidence
from services.validator.facts import Fact
from services.validator.headings import without_brackets
from services.validator.labels import Query, stems
from services.validator.periods import Periods, consistent, order
from services.validator.spoken import SPOKEN
from services.validator.units import COUNT, CURRENCY_CODES, PERCENT

_ADDABLE: Final = frozenset({None, COUNT, PERCENT, *CURRENCY_CODES})
"""Units of what is computed with; days and shares are not added up."""
_NO_CURRENCY: Final[frozenset[str]] = frozenset()
_CURRENCY: Final[dict[str | None, frozenset[str]]] = {
    code: frozenset({code}) for code in CURRENCY_CODES
}
_MOST: Final = 8
_LEAST: Final = 0.3
_SHARE: Final = 0.45
_SAID: Final = 0.35
"""So well a sentence fits at most that has all words of the query, among many others."""
_LESS: Final = 0.9
"""So well a row fits at most whose name goes on in brackets that the query has not."""


class Point(NamedTuple):
    """One value of a series.

    `raw`: the value as the table writes it, without its scale. `kind`: 'amount', 'percent', or
    'ratio' of two amounts. `facts`: what it was taken or computed from.
    """

    date: Date | None
    value: Decimal
    raw: Decimal
    kind: str
    facts: tuple[Fact, ...]

    @property
    def units(self) -> frozenset[str]:
        """The currencies of what it was computed from."""
        if len(self.facts) == 1:  # as most have
            return _CURRENCY.get(self.facts[0].amounts[-1].unit, _NO_CURRENCY)
        return frozenset(
            [unit for f in self.facts if (unit := f.amounts[-1].unit) in CURRENCY_CODES and unit]
        )

    @property
    def written(self) -> str:
        """What the passage writes, of a point that was not computed."""
        return self.facts[0].written


@dataclass(slots=True)  # not frozen: hundreds are made for a figure
class Series:
    """The values of one row, by time."""

    label: str
    words: frozenset[str]
    points: tuple[Point, ...]
    score: float = 0.0
    _at: dict[Periods, list[Point]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def is_dated(self) -> bool:
        """Say whether the time of any of its values is known."""
        return any(point.date for point in self.points)

    @property
    def row(self) -> tuple[str, int, int] | None:
        """Return the one row of a table that all of its values stand in, if they do."""
        rows = {fact.row if fact.is_cell else None for p in self.points for fact in p.facts}
        return rows.pop() if len(rows) == 1 else None

    def at(self, periods: Periods) -> list[Point]:
        """Return the points of some periods; all where none is given.

        All as well where the heads could not be read, and there are as many as periods.
        """
        if not periods:
            return list(self.points)
        known = self._at.get(periods)  # each computation asks for the same few
        if known is None:
            known = self._at[periods] = self._within(periods)
        return list(known)

    def _within(self, periods: Periods) -> list[Point]:
        if len(periods) == len(self.points) > 1 and not any(p.date for p in self.points):
            return list(self.points)
        dated = any(date.year for date in periods)
        return [
            p
            for p in self.points
            if p.date and (p.date.year or not dated) and any(consistent(p.date, d) for d in periods)
        ]

    def before(self, point: Point) -> Point | None:
        """Return the point that comes before another in time."""
        at = self.points.index(point)
        return self.points[at - 1] if at else None

    def averages(self) -> "Series":
        """Return the averages of each point and the one before: a year's average balance."""
        return self._paired("the average of", lambda old, new: (old + new) / 2)

    def changes(self) -> "Series":
        """Return the changes from each point to the next."""
        return self._paired("the change in", lambda old, new: new - old)

    def growth(self) -> "Series":
        """Return the growth from each point to the next, in percent."""
        points = tuple(
            Point(new.date, rate, rate, "percent", old.facts + new.facts)
            for old, new in pairwise(self.points)
            if old.value
            for rate in ((new.value - old.value) / abs(old.value) * 100,)
        )
        return Series(f"the growth of {self.label}", self.words, points)

    def sizes(self) -> "Series":
        """Return the series without signs: costs are written in brackets and without."""
        points = tuple(p._replace(value=abs(p.value), raw=abs(p.raw)) for p in self.points)
        return Series(self.label, self.words, points, self.score)

    def within(self, periods: Periods) -> "Series":
        """Return the series at some periods alone; all of it where none is given."""
        return Series(self.label, self.words, tuple(self.at(periods)), self.score)

    def over(self, other: "Series") -> "Series":
        """Return the ratios to another series at the same times."""
        points = tuple(
            Point(a.date, ratio, ratio, "ratio", a.facts + b.facts)
            for a, b in self.beside(other)
            if b.value
            for ratio in (a.value / b.value,)
        )
        return Series(f"{self.label} over {other.label}", self.words, points)

    def plus(self, other: "Series") -> "Series":
        """Return the sums with another series at the same times."""
        return self._combined("and", other, lambda a, b: a + b)

    def less(self, other: "Series") -> "Series":
        """Return the differences from another series at the same times."""
        return self._combined("less", other, lambda a, b: a - b)

    def apart(self, other: "Series") -> "Series":
        """Return how far another series is from this one at the same times, whichever is more."""
        return self._combined("apart from", other, lambda a, b: abs(a - b))

    def _combined(
        self, name: str, other: "Series", combine: Callable[[Decimal, Decimal], Decimal]
    ) -> "Series":
        points = tuple(
            Point(
                a.date, combine(a.value, b.value), combine(a.raw, b.raw), a.kind, a.facts + b.facts
            )
            for a, b in self.beside(other)
            if a.kind == b.kind and a.date
        )
        return Series(f"{self.label} {name} {other.label}", self.words | other.words, points)

    def beside(self, other: "Series") -> Iterator[tuple[Point, Point]]:
        """Return the pairs of points of the same time, here and in another series."""
        for a in self.points:
            for b in other.points:
                if a.facts != b.facts and (a.date == b.date or None in {a.date, b.date}):
                    yield a, b

    def _paired(self, name: str, combine: Callable[[Decimal, Decimal], Decimal]) -> "Series":
        points = tuple(
            Point(
                new.date,
                combine(old.value, new.value),
                combine(old.raw, new.raw),
                new.kind,
                old.facts + new.facts,
            )
            for old, new in pairwise(self.points)
        )
        return Series(f"{name} {self.label}", self.words, points)


def series_of(evidence: Evidence, query: Query) -> list[Series]:
    """Return the rows that a query names, the best fitting first, few of them."""
    # a row with the same time twice is two series, side by side
    groups: _Groups = defaultdict(list)
    scores: dict[tuple[object, ...], float] = defaultdict(float)
    known: dict[tuple[object, ...], float] = {}
    for fact in evidence.about(query):
        if fact.amounts and fact.amounts[0].unit in _ADDABLE:
            # the cells of a row mostly fit alike
            alike = fact.words, fact.context, fact.is_cell, fact.label
            fits = known.get(alike, -1.0)
            if fits < 0:
                fits = known[alike] = _fit(evidence, query, fact)
            for key in _keys(fact):
                same = 0
                if fact.is_cell and fact.periods:
                    same = sum(other.periods == fact.periods for other in groups[(*key, 0)])
                groups[(*key, same)].append(fact)
                scores[(*key, same)] = max(scores[(*key, same)], fits)
    for key, facts in _joined(groups.values()).items():
        groups[key] = facts
        scores[key] = max(
            known[fact.words, fact.context, fact.is_cell, fact.label] for fact in facts
        )
    least = max(_LEAST, _SHARE * max(scores.values(), default=0.0))
    fitting = {key: facts for key, facts in groups.items() if scores[key] >= least}
    found = sorted(_distinct(fitting), key=lambda key: -scores[key])[:_MOST]
    return [
        Series(
            facts[0].label,
            frozenset.intersection(*(fact.words for fact in facts)) or facts[0].words,
            _points(facts),
            scores[key],
        )
        for key in found
        if (facts := groups[key])
    ]


_Groups = dict[tuple[object, ...], list[Fact]]


def _joined(groups: Iterable[list[Fact]]) -> _Groups:
    """Return what is one thing over time in several groups: each time in a row or column apart.

    'Estimated at June 30' and 'Final as of December 31' are heads of one row's columns; 'Total'
    stands under each of two dates.
    """
    found: _Groups = defaultdict(list)
    for facts in groups:
        for fact in facts:
            passage, table, number = fact.row
            if fact.is_cell and len(fact.periods) == 1:
                kind = fact.is_change, fact.amounts[-1].unit == PERCENT
                keys: list[tuple[object, ...]] = [("row", passage, table, number, *kind)]
                if table != SPOKEN:
                    keys.append(("name", passage, table, fact.words, *kind))
                for key in keys:
                    if all(fact is not other for other in found[key]):
                        found[key].append(fact)
    return {
        key: facts
        for key, facts in found.items()
        if len({fact.periods for fact in facts}) == len(facts) > 1
    }


def _distinct(groups: _Groups) -> Iterator[tuple[object, ...]]:
    """Return the keys of groups that have anything, and not the same as an earlier one."""
    known = set()
    for key, facts in groups.items():
        members = frozenset(map(id, facts))
        if facts and members not in known:
            known.add(members)
            yield key


def _fit(evidence: Evidence, query: Query, fact: Fact) -> float:
    """Return how well a row fits a query that may name several; brackets may be left out."""
    words = evidence.vocabulary
    named, score = words.coverage_and_score(query, fact.words, fact.context)
    best = 0.6 * named + 0.4 * score
    if fact.is_cell and "(" in fact.label:
        plain = fact.words & stems(without_brackets(fact.label))
        if plain and plain != fact.words:
            named, score = words.coverage_and_score(query, plain, fact.context)
            best = max(best, _LESS * (0.6 * named + 0.4 * score))
    if not fact.is_cell and query.worth:
        said = fsum([worth for word, worth in query.worth.items() if word in fact.context])
        best = max(best, _SAID * said / fsum(query.worth.values()))
    return best


def _keys(fact: Fact) -> Iterator[tuple[object, ...]]:
    passage, table, number = fact.row
    if table == SPOKEN:
        yield SPOKEN, fact.words, fact.is_change, fact.amounts[-1].unit == PERCENT
    elif fact.is_cell:
        kind = fact.amounts[-1].unit == PERCENT
        yield passage, table, fact.words, number if fact.row_named else -1, fact.is_change, kind
    else:
        yield passage, table, fact.words
        yield passage, table, number, fact.amounts[0].unit


def _date(fact: Fact) -> Date | None:
    """Return the time of a fact; of a column for several years ('2021-2022') the first of them."""
    if len(fact.periods) > 1:
        is_placed = fact.is_cell and fact.row[1] != SPOKEN
        if not is_placed or any(d != Date(d.year) for d in fact.periods):
            return None
    return min(fact.periods, key=order, default=None)


def _points(facts: Iterable[Fact]) -> tuple[Point, ...]:
    points = []
    for fact in facts:
        scaled, raw = fact.amounts[-1], fact.amounts[0]
        date = _date(fact)
        kind = "percent" if scaled.unit == PERCENT else "amount"
        points.append(Point(date, scaled.value, raw.value, kind, (fact,)))
    points = list({(p.date, p.value): p for p in points}.values())
    return tuple(sorted(points, key=lambda p: order(p.date) if p.date else (0, 0, 0)))
