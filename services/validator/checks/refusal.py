"""An answer that says it cannot answer is a refusal, not an answer."""

from typing import Final

from services.validator.case import Case, failed, passed
from services.validator.grounding.refusal import Refusal, refusal, refuses
from services.validator.sentences import sentences
from shared.events import Verdict

NAME: Final = "refusal"


def check(case: Case) -> Verdict:
    """Fail an answer that refuses; one that only states a gap and answers the rest passes."""
    found = refusal(case.answer.text)
    if found is Refusal.NONE:
        return passed(NAME, "the answer answers")
    places = [(s.start, s.end) for s in sentences(case.answer.text) if refuses(s.text)]
    if found is Refusal.PARTLY:
        return passed(NAME, "the answer says what it cannot say, and answers the rest", 0.5, places)
    return failed(NAME, "the answer says that it cannot answer", 0.0, places)
