"""The answer keeps the release's own rules."""

from typing import Final

from services.validator import policy
from services.validator.case import Case, failed, passed
from shared.events import Span, Verdict

NAME: Final = "policy"


def check(case: Case) -> Verdict:
    """Fail an answer that breaks a rule of the release's `policy`."""
    rules = case.release.policy
    if rules is None:
        return passed(NAME, "the release has no policy")
    problems = list(policy.broken(rules, case.question, case.answer.text))
    if not problems:
        return passed(NAME, "the answer keeps the release's policy")
    verdict = failed(NAME, "; ".join(dict.fromkeys(reason for reason, _, _ in problems)))
    spans = tuple(Span(start=start, end=end) for _, start, end in problems if end > start)
    return verdict.model_copy(update={"spans": spans})
