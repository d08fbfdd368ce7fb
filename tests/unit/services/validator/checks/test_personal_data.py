from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks.personal_data import check
from shared.policy import Policy
from shared.release import BUILT_IN

MakeCase = Callable[..., Case]

WAYS = [
    ("jane.doe@example.com", "Jane.Doe@Example.com"),
    ("+1 (650) 253-0000", "650-253-0000"),
    ("4111 1111 1111 1111", "4111-1111-1111-1111"),
    ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
    ("536-90-4399", "536 90 4399"),
]


@pytest.mark.parametrize(("written", "otherwise"), WAYS)
def test_personal_data_from_nowhere_fails_and_is_masked(
    make_case: MakeCase, written: str, otherwise: str
) -> None:
    verdict = check(make_case(f"Ask {written} about it.", "Sales rose."))
    assert verdict.verdict == "failed"
    assert written not in verdict.reason
    assert otherwise not in verdict.reason


@pytest.mark.parametrize(("written", "otherwise"), WAYS)
def test_what_the_question_or_a_passage_has_may_be_said_however_it_is_written(
    make_case: MakeCase, written: str, otherwise: str
) -> None:
    answer = f"Ask {written} about it."
    asked = make_case(answer, "Sales rose.", question=f"Whose is {otherwise}?")
    given = make_case(answer, f"Contact: {otherwise}.")
    assert check(asked).verdict == "passed"
    assert check(given).verdict == "passed"


def test_another_address_than_the_one_asked_about_fails(make_case: MakeCase) -> None:
    case = make_case("Write to john@example.com.", question="Is jane@example.com right?")
    assert check(case).verdict == "failed"


def test_a_release_can_name_other_types(make_case: MakeCase) -> None:
    answer = "Ask Anna Lindqvist, my name is Anna Lindqvist, or anna@example.com."
    names = BUILT_IN.model_copy(update={"policy": Policy(personal_data=("PERSON",))})
    nothing = BUILT_IN.model_copy(update={"policy": Policy(personal_data=())})
    assert "name of a person" in check(make_case(answer, "Sales rose.", release=names)).reason
    assert check(make_case(answer, "Sales rose.", release=nothing)).verdict == "passed"


def test_the_verdict_says_where_it_stands(make_case: MakeCase) -> None:
    answer = "Write to john@example.com today."
    (span,) = check(make_case(answer, "Sales rose.")).spans
    assert answer[span.start : span.end] == "john@example.com"
