"""Figures that stand nowhere but follow from some that do: growth, ratio, difference, sum, average.

Some two cells of a large table give nearly any number. So a figure is derived only from rows that
its words name, for the periods that they name, by an operation that they name, and only if it is
right to its last digit.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Final, NamedTuple

from services.validator import computations
from services.validator.attribution import DOLLARS, is_plain_dollar
from services.validator.claims import Claim
from services.validator.computations import Result
from services.validator.dates import Date
from services.validator.directions import way_of
from services.validator.evidence import Evidence
from services.validator.kept import Kept
from services.validator.labels import Query, stems
from services.validator.measures import measured, names_measure
from services.validator.mentions import ordered
from services.validator.operations import AVERAGE, CHANGE, DIFFERENCE, RATIO, SUM, names_another
from services.validator.periods import Periods, years_of
from services.validator.remembered import remembered
from services.validator.series import Series, series_of
from services.validator.sizes import Sizes
from services.validator.units import CURRENCY_CODES, PERCENT

_TWO: Final = 2
_LONGEST: Final = 1_000
_MOST: Final = 600
"""So many computations are tried for one figure at most."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """A computation that gives a figure: what of what."""

    text: str
    value: Decimal


_RANGE: Final = re.compile(r"\b(?:to|through|over|from|three|3|between)\b|[\u2013-]", re.IGNORECASE)


def derive(claim: Claim, evidence: Evidence) -> Derivation | None:
    """Return how a claimed amount follows from the evidence, if it does."""
    question = claim.question[:_LONGEST]
    text = f"{claim.sentence} {question}"
    # 'The sum is 140.' is no average, even if that is asked for
    another = claim.bare and names_another(claim.sentence, question)
    named = claim.sentence if another else text
    said = claim.sentence if another or not claim.bare else ""
    unit = next((a.unit for a in claim.amounts), None)
    fraction = unit == PERCENT or (unit is None and claim.figure.factor == 1)
    asked = _Asked(text, named, said, claim.question, _named(claim), fraction, unit == "times")
    sizes = Sizes.of(claim)
    for tried in _results(evidence, asked):
        if sizes.have(tried) and _is_it(claim, tried, text):
            return Derivation(tried.told, tried.value)
    return None


class _Asked(NamedTuple):
    """What decides which computations are tried for a figure, and in which order."""

    text: str
    named: str
    said: str
    question: str
    periods: Periods
    fraction: bool
    times: bool


# what is tried for one figure of a sentence is tried for the next
@remembered(8)
def _results(evidence: Evidence, asked: _Asked) -> Kept[Result]:
    return Kept(lambda: islice(_computed(evidence, asked), _MOST))


def _computed(evidence: Evidence, asked: _Asked) -> Iterator[Result]:
    """Return the results of the computations and measures that a text names; many name none."""
    text, named, said, question, periods, fraction, times = asked
    if _names_any(named, fraction=fraction or times):
        rows = _rows(evidence, said, question)
        yield from _tries(text, named, rows, periods, fraction=fraction, times=times)
    if names_measure(text):
        rows = _rows(evidence, said, question)
        yield from _measures(text, named, rows, periods, evidence)


def _names_any(named: str, *, fraction: bool) -> bool:
    """Say whether a text names a computation that may give a figure."""
    if any(each.search(named) for each in (CHANGE, DIFFERENCE, SUM, AVERAGE)):
        return True
    return fraction and RATIO.search(named) is not None


# all figures of a sentence are derived from the same rows
@remembered(64)
def _rows(evidence: Evidence, sentence: str, question: str) -> tuple[Series, ...]:
    """Return the rows that a sentence and its question name, the best fitting first."""
    query = Query.of((stems(sentence), 1.0), (stems(question), 0.7))
    return _distinct(series_of(evidence, evidence.vocabulary.known(query)))


def _distinct(rows: Sequence[Series]) -> tuple[Series, ...]:
    """Return the rows, each once: a passage that says the same again says nothing more."""
    values = [tuple((point.date, point.value) for point in row.points) for row in rows]
    keys = [(row.words, each) for row, each in zip(rows, values, strict=True)]
    return tuple(row for place, row in enumerate(rows) if keys.index(keys[place]) == place)


def _named(claim: Claim) -> Periods:
    """Return the periods that a claim names: its own, with the question's if it has but one."""
    periods = claim.spoken
    if len(periods) < _TWO:
        periods |= claim.asked
    periods = _dated(periods)
    quarters = {d.quarter for d in periods}
    if len(quarters) == _TWO and None in quarters:
        quarter = next(q for q in quarters if q)
        periods = frozenset(d._replace(quarter=d.quarter or quarter) for d in periods)
    years = sorted(years_of(periods))
    if (
        len(years) == _TWO
        and years[1] - years[0] > 1
        and _RANGE.search(claim.sentence + claim.question)
    ):
        between = frozenset(Date(year) for year in range(years[0] + 1, years[1]))
        return periods | between
    return periods


def _dated(periods: Periods) -> Periods:
    """Give dates without a year the only one that is named: 'July 27 and April 27 in 2019'."""
    years = years_of(periods)
    parts = [d for d in periods if not d.year]
    if len(years) != 1 or not parts:
        return periods
    year = min(years)
    whole = {d for d in periods if d.year and d != Date(d.year)}
    return frozenset({*whole, *(d._replace(year=year) for d in parts)})


def _tries(  # noqa: PLR0913 - what decides which computations are tried
    text: str,
    named: str,
    rows: Sequence[Series],
    periods: Periods,
    *,
    fraction: bool,
    times: bool,
) -> Iterator[Result]:
    """Return the results of the computations that `named` has, the plainest first.

    `text` says in which order they are of which rows.
    """
    average, ratio = bool(AVERAGE.search(named)), bool(RATIO.search(named))
    change, difference = bool(CHANGE.search(named)), bool(DIFFERENCE.search(named))
    if average:
        shares = [one.over(other) for one, other in ordered(text, rows)] if ratio else []
        yield from computations.averages(rows, periods)
        yield from computations.averages(shares, periods)
    if change:
        for row in rows:
            yield from computations.changes(row, periods, growth=fraction)
    if ratio and (fraction or times):
        yield from computations.ratios(text, rows, periods)
    if difference:
        yield from computations.differences(text, rows, periods)
    if SUM.search(named):
        yield from computations.sums(rows, periods)
    if change and (average or ratio):
        yield from computations.compounds(text, rows, periods, average=average, ratio=ratio)
    yield from _of_two(named, rows, periods, growth=fraction)
    if change and fraction:
        yield from computations.excesses(text, rows, periods)
    if change and fraction and difference:
        yield from computations.differences(text, [row.growth() for row in rows], periods)


def _measures(
    text: str, named: str, rows: Sequence[Series], periods: Periods, evidence: Evidence
) -> Iterator[Result]:
    """Return the values of measures that a text names, and what `named` computes of them."""
    for measure in measured(text, rows, evidence):
        yield from computations.values(measure, periods)
        if CHANGE.search(named):
            yield from computations.changes(measure, periods, growth=False)
        if AVERAGE.search(named):
            yield from computations.averages([measure], periods)


def _of_two(
    text: str, rows: Sequence[Series], periods: Periods, *, growth: bool
) -> Iterator[Result]:
    average = bool(AVERAGE.search(text) and DIFFERENCE.search(text))
    if average or (SUM.search(text) and CHANGE.search(text)):
        yield from computations.of_two(rows, periods, average=average, growth=growth)


def _is_it(claim: Claim, tried: Result, text: str) -> bool:
    """Say whether a computed value is the claimed one, to its last digit and by its sign."""
    way = claim.direction or way_of(claim.sentence) or (way_of(text) if claim.bare else 0)
    unsigned = not way and "differ" in text.lower()
    for amount, step in claim.readings:
        half = step / 2
        same = DOLLARS if is_plain_dollar(claim, amount) else {amount.unit}
        if amount.unit in CURRENCY_CODES and tried.currencies - same:
            continue
        for value in _readings(amount.unit, claim, tried):
            if unsigned and amount.value > 0 and abs(abs(value) - amount.value) <= half:
                return True
            target = amount.value
            if tried.signed and way and target > 0:
                target = target if way > 0 else -target
            if abs(value - target) <= half:
                return True
    return False


def _readings(unit: str | None, claim: Claim, tried: Result) -> Iterator[Decimal]:
    """Return the computed value in the claim's unit."""
    bare = unit is None and claim.figure.factor == 1
    if tried.kind == "amount":
        if unit != PERCENT:
            yield tried.value
        if bare or claim.wordless:
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
