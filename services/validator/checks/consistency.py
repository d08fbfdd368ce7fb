"""The answer does not contradict itself."""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import Final

from services.validator.case import Case, failed, passed, shown
from services.validator.grounding.claim import Claim
from services.validator.grounding.lexicon import lexicon
from shared.events import Verdict

NAME: Final = "consistency"
_ALIKE: Final = 0.75
_LEAST: Final = 3
_MOST_PAIRS: Final = 500


def check(case: Case) -> Verdict:
    """Fail an answer with a sum that does not hold, or with sentences that say yes and no.

    Two sentences of nearly the same content words contradict where one negates and the other does
    not, or one says the opposite of a word of the other.
    """
    statement = case.assessment.statement
    wrong = [equation for equation in statement.sums if not equation.holds]
    if wrong:
        listed = "; ".join(shown(equation.text) for equation in wrong)
        return failed(NAME, f"does not add up: {listed}", spans=[(e.start, e.end) for e in wrong])
    for one, other in islice(_contradictions(statement.claims), 1):
        return failed(
            NAME,
            f"{shown(one.text.strip())} contradicts {shown(other.text.strip())}",
            spans=[(one.start, one.end), (other.start, other.end)],
        )
    return passed(NAME, "nothing in the answer contradicts the rest")


def _contradictions(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
    read = [(claim, frozenset(claim.content)) for claim in claims]
    for (one, ours), (other, theirs) in islice(combinations(read, 2), _MOST_PAIRS):
        if min(len(ours), len(theirs)) < _LEAST:
            continue
        shared = len(ours & theirs)
        if shared < _ALIKE * max(len(ours), len(theirs)):
            continue
        if bool(one.words.negations) != bool(other.words.negations) or any(
            lexicon().opposite(stem) & (theirs - ours) for stem in ours - theirs
        ):
            yield one, other
