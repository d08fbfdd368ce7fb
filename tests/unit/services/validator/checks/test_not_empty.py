from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks.not_empty import check

MakeCase = Callable[..., Case]


@pytest.mark.parametrize("text", ["7", "No.", "売上高"])
def test_an_answer_with_a_letter_or_digit_passes(make_case: MakeCase, text: str) -> None:
    assert check(make_case(text)).verdict == "passed"


@pytest.mark.parametrize("text", ["", " \n\t", "…", "- * -", "\u200b"])
def test_an_answer_that_says_nothing_fails(make_case: MakeCase, text: str) -> None:
    verdict = check(make_case(text))
    assert (verdict.verdict, verdict.score) == ("failed", 0)
