"""The answer says something."""

from typing import Final

from services.validator.case import Case, failed, passed
from shared.events import Verdict

NAME: Final = "not_empty"


def check(case: Case) -> Verdict:
    """Fail an answer without a single letter or digit."""
    if any(character.isalnum() for character in case.answer.text):
        return passed(NAME, "the answer has text")
    return failed(NAME, "the answer is empty: it has no letter and no digit")
