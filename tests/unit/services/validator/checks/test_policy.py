from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks.policy import check
from shared.policy import Disclaimer, Policy, Topic
from shared.release import BUILT_IN

MakeCase = Callable[..., Case]
GERMAN = "Der Umsatz stieg im vierten Quartal um fünf Prozent gegenüber dem Vorjahr."
ENGLISH = "Net sales rose by five percent in the fourth quarter, against the year before."

RULES = [
    (
        Policy(forbidden_topics=(Topic(name="advice", phrases=("you should buy",)),)),
        "You  should buy this share.",
        "You should buyback nothing.",
    ),
    (
        Policy(disclaimers=(Disclaimer(text="This is no advice."),)),
        "Sales rose.",
        "Sales rose. This is\nno advice.",
    ),
    (
        Policy(disclaimers=(Disclaimer(text="Past results.", when=("performance",)),)),
        "The performance was 4%.",
        "Sales rose.",
    ),
    (Policy(max_words=3), "One two three four", "One two three"),
    (Policy(languages=("en",)), GERMAN, ENGLISH),
    (Policy(abusive_language="forbidden"), "What a shitty question.", "What a good question."),
]


@pytest.mark.parametrize(("policy", "broken", "kept"), RULES)
def test_an_answer_that_breaks_a_rule_fails_and_one_that_keeps_it_passes(
    make_case: MakeCase, policy: Policy, broken: str, kept: str
) -> None:
    release = BUILT_IN.model_copy(update={"policy": policy})
    assert check(make_case(broken, release=release)).verdict == "failed"
    assert check(make_case(kept, release=release)).verdict == "passed"


def test_a_few_words_are_of_no_language(make_case: MakeCase) -> None:
    release = BUILT_IN.model_copy(update={"policy": Policy(languages=("en",))})
    assert check(make_case("24,3 Mio. €", release=release)).verdict == "passed"


def test_without_a_policy_everything_keeps_it(make_case: MakeCase) -> None:
    assert check(make_case("Anything.")).verdict == "passed"
