"""The answer is no longer than the release allows."""

from typing import Final

from services.validator.case import Case, failed, passed
from shared.events import Verdict

NAME: Final = "length"


def check(case: Case) -> Verdict:
    """Fail an answer of more characters than the release's `answer_max_characters`."""
    length, most = len(case.answer.text), case.release.answer_max_characters
    if length <= most:
        return passed(NAME, f"{length} of at most {most} characters")
    return failed(
        NAME, f"the answer has {length} characters, the release allows {most}", score=most / length
    )
