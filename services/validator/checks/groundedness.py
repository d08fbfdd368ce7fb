"""How likely it is that nothing in the answer is unsupported by the passages, claim by claim."""

from typing import Final

from services.validator.case import Case, could_not_check, passed, shown
from services.validator.grounding.claim import Kind
from services.validator.grounding.explanation import why
from shared.events import Verdict

NAME: Final = "groundedness"
_RISKY: Final = 0.15
"""Claims of at least this risk, three times what is usual, are pointed at."""
_NAMED: Final = 3


def check(case: Case) -> Verdict:
    """Measure the probability that the passages support all that the answer says.

    It is the score, and the release's threshold decides on it: the verdict is `passed` once it
    could be measured. The reason names the claims that lower it most, and what about them does.
    """
    assessment = case.assessment
    if assessment.statement.is_empty:
        return could_not_check(NAME, "the answer says nothing that could be supported")
    if assessment.kind is Kind.REFUSAL:
        return passed(NAME, "the answer claims nothing: it refuses", assessment.probability)
    risky = sorted(
        (judged for judged in assessment.claims if judged.risk >= _RISKY),
        key=lambda judged: -judged.risk,
    )
    reason = f"{assessment.probability:.0%} likely that all of it is supported"
    if assessment.is_flagged:
        reason += f", too little (under {assessment.flag:.0%})"
    if risky:
        named = "; ".join(
            f"{shown(judged.claim.text.strip())} ({why(judged.claim, assessment.statement)})"
            for judged in risky[:_NAMED]
        )
        reason += f"; in doubt: {named}"
    return passed(
        NAME,
        reason,
        assessment.probability,
        [(judged.claim.start, judged.claim.end) for judged in risky],
    )
