from collections.abc import Callable

from services.validator.case import Case
from services.validator.checks.length import check
from shared.release import BUILT_IN

MakeCase = Callable[..., Case]

SHORT = BUILT_IN.model_copy(update={"answer_max_characters": 10})


def test_an_answer_of_exactly_the_allowed_length_passes(make_case: MakeCase) -> None:
    assert check(make_case("0123456789", release=SHORT)).verdict == "passed"


def test_one_character_more_fails_and_the_reason_names_both_lengths(make_case: MakeCase) -> None:
    verdict = check(make_case("0123456789a", release=SHORT))
    assert verdict.verdict == "failed"
    assert verdict.reason == "the answer has 11 characters, the release allows 10"
