from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks.support import check

MakeCase = Callable[..., Case]

PASSAGE = "Net sales rose 12% to $3.2 billion in 2023. The board proposes a dividend."


def test_the_score_is_the_share_of_supported_sentences(make_case: MakeCase) -> None:
    verdict = check(
        make_case("Net sales rose 12% to $3.2 billion in 2023. Bees make honey.", PASSAGE)
    )
    assert (verdict.verdict, verdict.score) == ("passed", 0.5)
    assert verdict.reason == "1 of 2 sentences are supported; not supported: 'Bees make honey.'"


@pytest.mark.parametrize("cited", [True, False])
def test_only_what_is_cited_supports(make_case: MakeCase, cited: bool) -> None:
    assert check(make_case(PASSAGE, PASSAGE, cited=cited)).score == (1 if cited else 0)


def test_an_answer_without_a_sentence_cannot_be_checked(make_case: MakeCase) -> None:
    assert check(make_case("…", PASSAGE)).verdict == "could_not_check"
