"""Whether a claimed figure stands in the evidence as what it is claimed to be."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from services.validator.claims import Claim, significant
from services.validator.directions import says_minus
from services.validator.evidence import Evidence, digits_of
from services.validator.facts import Fact
from services.validator.labels import Query, stems
from services.validator.periods import fit
from services.validator.quantities import Amount
from services.validator.units import COUNT, CURRENCY_CODES, PERCENT

_BETTER: Final = 0.2
"""By so much another row must fit the words better than the one that has the figure."""
_NAMED_BETTER: Final = 0.03
_BETTER_SENTENCE: Final = 0.3
"""By so much another sentence must."""
_LEAST_DIGITS: Final = 2
_FEW_DIGITS: Final = 2
_FITS: Final = 0.55
"""How well that other must fit at least."""
_NAMED: Final = 0.7
"""Share of a row's name that the words must have to mean it."""
_SURELY_NAMED: Final = 0.5
"""Weight that each word of a row's name must have in the query for it to be meant surely."""
_ROUNDED_FITS: Final = 0.3
"""How well the row of an unrounded figure must fit the words."""


class Match(NamedTuple):
    """A fact that a claim may be: how well the words fit, and whether the period does."""

    fact: Fact
    score: float
    period: bool | None


@dataclass(frozen=True, slots=True)
class Search:
    """What the evidence has of a claim's value, in falling order of how well it fits.

    `better`: a fact of another value that fits the words of the claim better than `found` does.
    `query`: those words, as far as the evidence has them.
    """

    query: Query
    found: tuple[Match, ...] = ()
    other_sign: tuple[Match, ...] = ()
    other_unit: tuple[Match, ...] = ()
    better: Fact | None = None


def search(claim: Claim, evidence: Evidence) -> Search:
    """Look a claimed amount up."""
    query = evidence.vocabulary.known(claim.query)
    kinds: dict[str, dict[int, Match]] = {"found": {}, "sign": {}, "unit": {}}
    for amount, step in claim.readings:
        for fact, theirs, exact in _of_value(claim, amount, step, evidence):
            match = Match(
                fact,
                evidence.vocabulary.score(query, fact.words, fact.context),
                fit(claim.when, fact.periods),
            )
            if not exact and (match.score < _ROUNDED_FITS or match.period is False):
                continue
            if not _same_unit(claim, amount, theirs, evidence):
                kind = "unit"
            elif not same_sign(claim, amount, theirs, fact):
                kind = "sign"
            else:
                kind = "found"
            kinds[kind].setdefault(id(fact), match)
    found, sign, unit = (tuple(sorted(kind.values(), key=_rank)) for kind in kinds.values())
    better = _better(claim, query, found, evidence) if found else None
    return Search(query, found, sign, unit, better)


def _rank(match: Match) -> tuple[int, float]:
    return (0 if match.period else 1 if match.period is None else 2), -match.score


def _of_value(
    claim: Claim, amount: Amount, step: Decimal, evidence: Evidence
) -> Iterator[tuple[Fact, Amount, bool]]:
    """Return the facts of a value, and those that are it when rounded as the claim is."""
    value = abs(amount.value)
    for fact in evidence.by_value.get(value, ()):
        for theirs in fact.amounts:
            if abs(theirs.value) == value:
                yield fact, theirs, True
    half = step / 2
    if significant(amount) < _LEAST_DIGITS or (
        claim.figure.factor == 1 and half >= Decimal("0.5") and amount.unit != PERCENT
    ):
        return
    values = evidence.values
    for near in values[bisect_left(values, value - half) : bisect_right(values, value + half)]:
        if near != value:
            for fact in evidence.by_value[near]:
                for theirs in fact.amounts:
                    if abs(theirs.value) == near:
                        yield fact, theirs, False


def _same_unit(claim: Claim, ours: Amount, theirs: Amount, evidence: Evidence) -> bool:
    if ours.unit == theirs.unit:
        return True
    if ours.unit is None:
        return theirs.unit != PERCENT or claim.wordless or "percent" in claim.question.lower()
    if ours.unit not in CURRENCY_CODES:
        return theirs.unit in {None, COUNT} and ours.unit in evidence.units
    if theirs.unit in {None, COUNT}:
        named = evidence.currencies
        known = ours.unit in named or (not named and ours.unit == "USD")
        known = known or (is_plain_dollar(claim, ours) and not named.isdisjoint(DOLLARS))
        return known and (theirs.unit is None or claim.wordless)
    # '$' stands for any dollar where the passages name which
    dollars = {ours.unit, theirs.unit} <= DOLLARS
    return dollars and (is_plain_dollar(claim, ours) or ours.unit in evidence.currencies)


def is_plain_dollar(claim: Claim, amount: Amount) -> bool:
    """Say whether an amount is written with '$' alone, which may be any country's."""
    return amount.unit == "USD" and "$" in claim.figure.text and "U" not in claim.figure.text


DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD"})


def same_sign(claim: Claim, ours: Amount, theirs: Amount, fact: Fact) -> bool:
    """Say whether two amounts say the same of profit and loss, rise and fall."""
    if claim.direction and fact.direction and claim.direction != fact.direction:
        return False
    if ours.value == theirs.value:
        return not (claim.direction < 0 < ours.value and fact.is_cell and fact.is_change)
    said = claim.question if claim.bare else claim.sentence
    if ours.value > 0:  # '(120)' of a row of costs is a cost of 120
        minus = says_minus(said) or claim.direction < 0
        return minus or (claim.figure.lowers and not fact.signed)
    if not fact.is_cell:
        return fact.lowers
    return says_minus(fact.label) and not says_minus(said)  # a loss of 5 is no loss of -5


def _better(
    claim: Claim, query: Query, found: tuple[Match, ...], evidence: Evidence
) -> Fact | None:
    """Return a fact that the claim's words name rather than the one that has its value."""
    usable = [match for match in found if match.period is not False] or list(found)
    best = max(usable, key=lambda match: match.score)
    around = max(_around(query, match.fact, evidence) for match in usable)
    rows = {match.fact.row for match in usable}
    top: tuple[float, Fact] | None = None
    for fact in evidence.about(query):
        if not _is_rival(claim, query, fact, best.fact, evidence):
            continue
        score = evidence.vocabulary.score(query, fact.words, fact.context)
        margin = _BETTER
        if _is_named(query, fact) and (
            fact.words > best.fact.words or not _is_named(query, best.fact)
        ):
            margin = _NAMED_BETTER  # all of its name is there, of the other's only a part
        least = (best.score if fact.row == best.fact.row else max(best.score, around)) + margin
        if not fact.is_cell and fact.row not in rows:
            least = max(best.score, around) + _BETTER_SENTENCE
            score = min(score, _around(query, fact, evidence))
        if score >= max(least, _FITS) and (top is None or score > top[0]):
            top = (score, fact)
    return top[1] if top else None


def _is_rival(claim: Claim, query: Query, fact: Fact, best: Fact, evidence: Evidence) -> bool:
    """Say whether a fact could be what the claim means, rather than the one with its value."""
    if not fact.amounts or fit(claim.when, fact.periods) is False:
        return False
    values = {abs(a.value) for a in claim.amounts}
    same = values & {abs(a.value) for a in fact.amounts}
    # by how much a row changed is no other reading of what it is
    changed = fact.row == best.row and fact.is_change != best.is_change
    if same or changed or not _comparable(claim, fact):
        return False
    in_column = _is_column_named(claim, fact, best)
    if in_column or (_is_named(query, best) and not fact.words > best.words):
        return in_column  # its own row is named; only a longer name of another could be meant
    if fact.is_cell:
        in_row = fact.row != best.row or bool(claim.periods)  # else for a time of the question's
        return in_row and evidence.vocabulary.coverage(query, _name(fact)) >= _NAMED
    plain = all(a.unit is None and significant(a) <= _FEW_DIGITS for a in claim.amounts)
    if plain and claim.figure.factor == 1:
        return False  # '16' is everywhere
    return fact.row != best.row or (fact.words != fact.context and bool(claim.periods))


def _is_column_named(claim: Claim, fact: Fact, best: Fact) -> bool:
    """Say whether the words mean the column of one cell of a row, and not that of another."""
    if not (fact.is_cell and fact.row == best.row):
        return False
    own, theirs = fact.words - best.words, best.words - fact.words
    said = stems(claim.question if claim.bare else claim.clause)
    return bool(own and theirs - _WHOLE) and own <= said and theirs.isdisjoint(said)


_WHOLE: Final = stems("total consolidated")


def _is_named(query: Query, fact: Fact) -> bool:
    """Say whether the words have all of a row's name."""
    return all(query.weights.get(word, 0.0) >= _SURELY_NAMED for word in _name(fact))


def _name(fact: Fact) -> frozenset[str]:
    """Return the words of a fact's row alone, without its column's."""
    return (fact.words - fact.context) or fact.words


def _around(query: Query, fact: Fact, evidence: Evidence) -> float:
    """Return how well a fact's whole sentence fits the words; for a cell, nothing."""
    if fact.is_cell:
        return 0.0
    words = evidence.vocabulary
    return words.score(query, words.within(fact.context), frozenset())


def _comparable(claim: Claim, fact: Fact) -> bool:
    """Say whether a fact could stand where the claim does: percent for percent, days for days."""
    ours = {_kind(a.unit) for a in claim.amounts}
    return bool(ours & {_kind(a.unit) for a in fact.amounts})


def _kind(unit: str | None) -> str:
    return "money" if unit in {None, COUNT, *CURRENCY_CODES} else unit or ""


def nearest_scale(claim: Claim, query: Query, evidence: Evidence) -> Fact | None:
    """Return a fact with the claim's digits in another scale or unit, the best fitting one."""
    near: list[Fact] = []
    for amount in claim.amounts:
        digits = digits_of(amount.value)
        if len(digits) > 1:
            near += (f for f in evidence.by_digits.get(digits, ()) if not _unlike(amount, f))
    return max(
        near,
        key=lambda f: evidence.vocabulary.score(query, f.words, f.context),
        default=None,
    )


def _unlike(amount: Amount, fact: Fact) -> bool:
    """Say whether one is a rate and the other money: no slip makes one of the other."""
    units = {a.unit for a in fact.amounts}
    if amount.unit == PERCENT:
        return units <= CURRENCY_CODES
    return amount.unit in CURRENCY_CODES and units <= {PERCENT}


def contradicted(claim: Claim, query: Query, evidence: Evidence) -> bool:
    """Say whether a passage counts what a claim counts, and gets another number."""
    return any(
        fact.amounts
        and {a.unit for a in fact.amounts} & {a.unit for a in claim.amounts}
        and evidence.vocabulary.score(query, fact.words, fact.context) >= _FITS
        for fact in evidence.about(query)
    )


def date_elsewhere(claim: Claim, evidence: Evidence) -> Fact | None:
    """Return a fact of another date that the words around a claimed date name far better."""
    if claim.has_amounts or fit(frozenset(claim.dates), claim.asked):
        return None  # then the amounts say whether the period is right
    query = evidence.vocabulary.known(claim.query)
    ours = frozenset(claim.dates)
    best, other = 0.0, None
    top = 0.0
    for fact in _dated(evidence.about(query)):
        score = evidence.vocabulary.score(query, fact.words, fact.context)
        if fit(ours, fact.periods):
            best = max(best, score)
        elif score > top:
            top, other = score, fact
    return other if top >= 0.7 and top >= best + 0.3 else None  # noqa: PLR2004 - nearly the same words


def _dated(facts: Iterable[Fact]) -> Iterator[Fact]:
    return (fact for fact in facts if not fact.amounts and not fact.is_cell and fact.periods)
