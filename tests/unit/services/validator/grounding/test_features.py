import pytest

from services.validator.grounding.claim import read
from services.validator.grounding.features import answer_features, claim_features

PASSAGES = [
    (
        "The warranty of the boiler lasts twenty-four months. Repairs are free in the first year "
        "after it was installed by one of our partners."
    )
]


def is_unbacked(answer: str, passages: list[str]) -> bool:
    statement = read("What of the boiler's warranty?", answer, passages)
    claims = [claim_features(statement, place) for place in range(len(statement.claims))]
    return answer_features(statement, claims)["unbacked"] > 0


@pytest.mark.parametrize("answer", ["Lyon.", "An illegal scheme.", "Bananas are blue."])
def test_a_claim_of_new_words_only_is_unbacked(answer: str) -> None:
    assert is_unbacked(answer, PASSAGES)
    assert is_unbacked(f"{PASSAGES[0]} {answer}", PASSAGES)


def test_without_passages_everything_is_unbacked() -> None:
    assert is_unbacked(PASSAGES[0], [])
    assert is_unbacked("The warranty of the boiler.", [])


@pytest.mark.parametrize(
    "answer",
    [
        "Repairs are free.",
        "Yes. Repairs are free in the first year.",
        "Conclusion:\n\nRepairs are free in the first year.",
        "Based on the passages, here is the answer to your question:\n\nRepairs are free.",
    ],
)
def test_a_claim_that_shares_a_word_or_says_what_follows_is_not_unbacked(answer: str) -> None:
    assert not is_unbacked(answer, PASSAGES)


def wrong_figures(answer: str) -> tuple[bool, bool]:
    """Say whether the answer, and any of its claims, has a wrong figure."""
    statement = read("What of the boiler's warranty?", answer, PASSAGES)
    claims = [claim_features(statement, place) for place in range(len(statement.claims))]
    return (
        answer_features(statement, claims)["figures_wrong"] > 0,
        any(claim["figures_wrong"] > 0 for claim in claims),
    )


@pytest.mark.parametrize(
    "answer",
    [
        "The warranty of the boiler lasts four years.",
        "The warranty of the boiler lasts nine quarters.",
        "The warranty of the boiler lasts nine working days.",
        "The boiler has a four-year warranty.",
        "The warranty of the boiler lasts three full years after it was installed.",
        "The warranty of the boiler pays three percent.",
        "The warranty of the boiler costs nine euros.",
    ],
)
def test_a_wrong_measure_in_words_is_a_wrong_figure(answer: str) -> None:
    assert wrong_figures(answer) == (True, True)


@pytest.mark.parametrize(
    "answer",
    [
        "The boiler is repaired free of charge in five steps.",
        "The two of them agree on the first year.",
        "The warranty of the boiler lasts twenty-four months.",
    ],
)
def test_a_number_in_words_that_counts_what_the_answer_lists_is_no_wrong_figure(
    answer: str,
) -> None:
    assert wrong_figures(answer) == (False, False)
