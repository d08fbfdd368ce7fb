"""What is measured of an answer's phrases: people mark phrases as unsupported, seldom sentences.

A phrase is a content word of a claim with the three before it and the three behind it.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, compress
from typing import Final

from services.validator.grounding.claim import Claim, Statement
from services.validator.grounding.features import Features, in_copied_runs
from services.validator.grounding.source import Evidence, pairs_of

Phrases = Mapping[str, Sequence[float]]
"""Of each feature its values, one for each content word of a claim, in order."""

OF_CLAIM: Final = (
    "new_share", "covered", "figures_wrong", "names_missing", "names_away", "refuses",
)  # fmt: skip
"""What counts of the claim that a phrase is in."""
_REACH: Final = 3


def phrase_features(statement: Statement, place: int, measured: Features) -> Phrases:
    """Measure the phrases of the claim at a place of an answer, given its own features."""
    claim, evidence = statement.claims[place], statement.evidence
    known, asked = evidence.words, statement.asked
    new = [stemmed not in known and stemmed not in asked for stemmed in claim.content]
    met = [pair in evidence.pairs for pair in pairs_of(claim.content)]
    return {
        "phrase_new": _around(new, len(new)),
        "phrase_copied": _around(_copied(claim, evidence, measured["covered"]), len(new)),
        "phrase_pairs": _around(met, len(new), between=1) if met else [1.0 - each for each in new],
    }


def _copied(claim: Claim, evidence: Evidence, covered: float) -> Sequence[bool]:
    """Say of each content word whether it is in a copied run; the claim's share is known."""
    if covered <= 0 or covered >= 1:  # looking for runs costs most
        return [covered > 0] * len(claim.content)
    return list(compress(in_copied_runs(claim, evidence), claim.words.says))


def _around(flags: Sequence[bool], words: int, between: int = 0) -> Sequence[float]:
    """Return for each word the share of flags about it; `between`: they are of gaps, not words."""
    sums = [0, *accumulate(flags)]
    shares = []
    for at in range(words):
        low, high = max(0, at - _REACH), min(words, at + _REACH + 1) - between
        shares.append((sums[high] - sums[low]) / (high - low))
    return shares
