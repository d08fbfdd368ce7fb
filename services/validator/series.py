"""The figures of one thing over time, or of several things at one time: what is computed with."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.validator.dates import Date
from services.validator.evidence import Evidence
from services.validator.facts import Fact
from services.validator.labels import Query
from services.validator.periods import NO_PERIOD, Periods, consistent, order
from services.validator.units import COUNT, PERCENT

_MOST: Final = 8
_LEAST: Final = 0.3
_SHARE: Final = 0.45


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series. `raw` is the value as the table writes it, without its scale."""

    date: Date | None
    value: Decimal
    raw: Decimal
    percent: bool
    fact: Fact


@dataclass(frozen=True, slots=True)
class Series:
    """One row's values, the latest first."""

    label: str
    words: frozenset[str]
    points: tuple[Point, ...]
    score: float

    def at(self, periods: Periods) -> list[Point]:
        """Return the points of some periods, in time's order; all where none is given."""
        chosen = [
            p
            for p in self.points
            if not periods or (p.date and any(consistent(p.date, d) for d in periods))
        ]
        return sorted(chosen, key=lambda p: order(p.date) if p.date else (0, 0, 0))


def series_of(evidence: Evidence, query: Query) -> list[Series]:
    """Return the rows that a query names, the best fitting first, few of them."""
    groups: dict[tuple[object, ...], list[Fact]] = defaultdict(list)
    for fact in evidence.about(query):
        if fact.amounts:
            for key in _keys(fact):
                groups[key].append(fact)
    found = []
    for facts in groups.values():
        score = max(_fit(evidence, query, fact) for fact in facts)
        found.append((score, facts))
    found.sort(key=lambda pair: -pair[0])
    top = found[0][0] if found else 0
    return [
        Series(facts[0].label, facts[0].words, tuple(_points(facts)), score)
        for score, facts in found[:_MOST]
        if score >= max(_LEAST, _SHARE * top)
    ]


def _fit(evidence: Evidence, query: Query, fact: Fact) -> float:
    """Return how well a row fits a query that may name several."""
    named = evidence.vocabulary.coverage(query, fact.words)
    return 0.6 * named + 0.4 * evidence.vocabulary.score(query, fact.words, fact.context)


def _keys(fact: Fact) -> Iterator[tuple[object, ...]]:
    passage, table, number = fact.row
    if fact.is_cell:
        yield passage, table, fact.words, number if fact.row_named else -1
    else:
        yield passage, table, fact.words
        yield passage, table, number, fact.amounts[0].unit


def _points(facts: Iterable[Fact]) -> Iterator[Point]:
    for fact in facts:
        scaled, raw = fact.amounts[-1], fact.amounts[0]
        periods = fact.periods or NO_PERIOD
        date = min(periods, key=order) if len(periods) == 1 else None
        plain = raw.value if raw.unit in {None, COUNT} else scaled.value
        yield Point(date, scaled.value, plain, scaled.unit == PERCENT, fact)
