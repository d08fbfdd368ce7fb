"""How near the passages come to a claimed figure, whatever its status: what ranks two in doubt.

A row that could not be read makes its right figure as doubtful as a wrong one. Then the one whose
digits stand under the words, the period, the sign and the unit that are claimed is the likelier.
"""

from collections.abc import Iterable
from typing import Final

from services.validator.attribution import Match, Search
from services.validator.claims import Claim
from services.validator.evidence import Evidence, digits_of
from services.validator.facts import Fact
from services.validator.periods import fit

_WORDS: Final = 0.5
_PERIOD: Final = 0.3
_VALUE: Final = 0.2
"""What the words, the period, and sign and unit together count for; their sum is 1."""
_AT_ODDS: Final = 0.6
"""What is left of it for a figure in another sign or unit."""
_DIGITS: Final = 0.3
"""What is left of it where only the digits are the same."""


def nearness(claim: Claim, found: Search, evidence: Evidence) -> float:
    """Return from 0 to 1 how near the best fitting figure is: 0 where its digits stand nowhere."""
    if found.found:
        return _nearest(claim, found.found)
    if at_odds := (*found.other_sign, *found.other_unit):
        return _AT_ODDS * _nearest(claim, at_odds)
    digits = {digits_of(amount.value) for amount in claim.amounts}
    facts = [fact for each in digits if len(each) > 1 for fact in evidence.by_digits.get(each, ())]
    score = evidence.vocabulary.score
    return _DIGITS * _nearest(
        claim,
        (
            Match(f, score(found.query, f.words, f.context), fit(claim.when, f.periods))
            for f in facts
        ),
    )


def _nearest(claim: Claim, matches: Iterable[Match]) -> float:
    return max(
        (
            _WORDS * match.score
            + _PERIOD * (0.5 if match.period is None else float(match.period))
            + _VALUE * _is_same(claim, match.fact)
            for match in matches
        ),
        default=0.0,
    )


def _is_same(claim: Claim, fact: Fact) -> bool:
    """Say whether a fact is the claimed amount as it is written, with its sign and unit."""
    return not frozenset(claim.amounts).isdisjoint(fact.amounts)
