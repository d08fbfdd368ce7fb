from collections.abc import Callable

from services.validator.case import Case
from services.validator.checks.secrets import check

MakeCase = Callable[..., Case]


def test_a_secret_fails_also_where_a_passage_has_it_and_is_not_repeated(
    make_case: MakeCase,
) -> None:
    text = "Connect to postgres://app:hunter2@db.internal/x now."
    verdict = check(make_case(text, text))
    assert verdict.verdict == "failed"
    assert "hunter2" not in verdict.reason
    assert [text[each.start : each.end] for each in verdict.spans] == ["hunter2"]


def test_an_answer_without_one_passes(make_case: MakeCase) -> None:
    assert check(make_case("Revenue rose to 1,204 million.")).verdict == "passed"
