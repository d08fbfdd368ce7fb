"""No key, token or password leaves, wherever it came from."""

from typing import Final

from services.validator import secrets
from services.validator.case import Case, failed, passed
from shared.events import Span, Verdict

NAME: Final = "secrets"


def check(case: Case) -> Verdict:
    """Fail an answer with a secret in it, also one that stands in a passage. None is repeated."""
    found = secrets.find(case.answer.text)
    if not found:
        return passed(NAME, "nothing looks like a key, token or password")
    listed = ", ".join(dict.fromkeys(secret.type for secret in found))
    verdict = failed(NAME, f"the answer has a secret in it: {listed}")
    spans = tuple(Span(start=secret.start, end=secret.end) for secret in found)
    return verdict.model_copy(update={"spans": spans})
