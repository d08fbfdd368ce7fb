import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.grounding.claim import read
from services.validator.grounding.features import claim_features
from services.validator.grounding.model import Linear, worst_phrases
from services.validator.grounding.phrases import OF_CLAIM, Phrases, phrase_features

QUESTION = "What does the lease agreement say?"
PASSAGES = [
    (
        "A lease agreement is a contract of lessor and lessee. The lessee obtains the right to "
        "use the asset in return for regular rental payments."
    )
]
COPIED = "The lessee obtains the right to use the asset in return for regular rental payments"
LOGITS = st.lists(st.floats(-10, 10), max_size=12)


def phrases(answer: str) -> Phrases:
    statement = read(QUESTION, answer, PASSAGES)
    return phrase_features(statement, 0, claim_features(statement, 0))


def test_what_is_added_to_a_copied_sentence_shows_where_it_stands() -> None:
    found = phrases(f"{COPIED} and forfeits every deposit after missing deadlines.")
    assert found["phrase_new"][0] == 0
    assert found["phrase_copied"][0] == 1
    assert found["phrase_pairs"][0] == 1
    assert found["phrase_new"][-1] == 1
    assert found["phrase_copied"][-1] == 0
    assert found["phrase_pairs"][-1] == 0


def test_all_of_a_copied_sentence_is_copied() -> None:
    found = phrases(f"{COPIED}.")
    assert set(found["phrase_copied"]) == {1}
    assert set(found["phrase_new"]) == {0}


def test_a_new_word_alone_has_no_neighbours_that_a_passage_has() -> None:
    assert list(phrases("Lyon.")["phrase_pairs"]) == [0]
    assert list(phrases("Lessor.")["phrase_pairs"]) == [1]


def test_there_is_one_phrase_for_each_content_word() -> None:
    statement = read(QUESTION, f"{COPIED}.", PASSAGES)
    found = phrase_features(statement, 0, claim_features(statement, 0))
    assert {len(values) for values in found.values()} == {len(statement.claims[0].content)}
    assert {len(values) for values in phrases("It is so.").values()} == {0}


def test_a_phrase_is_weighed_as_its_own_features_and_those_of_its_claim() -> None:
    statement = read(QUESTION, f"{COPIED} and forfeits every deposit.", PASSAGES)
    claim = claim_features(statement, 0)
    found = phrase_features(statement, 0, claim)
    linear = Linear(-1.0, {name: 0.5 + i for i, name in enumerate([*found, *OF_CLAIM])})
    one_by_one = [
        linear.logit({**claim, **dict(zip(found, values, strict=True))})
        for values in zip(*found.values(), strict=True)
    ]
    assert linear.logits(claim, found) == pytest.approx(one_by_one)


@given(LOGITS, st.floats(-10, 10))
def test_one_more_phrase_never_lowers_an_answers_risk(logits: list[float], more: float) -> None:
    assert (
        worst_phrases([*logits, more])["phrases_worst"]
        >= worst_phrases(logits)["phrases_worst"] - 1e-9
    )
