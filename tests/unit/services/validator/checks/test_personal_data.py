from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks.personal_data import check

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
