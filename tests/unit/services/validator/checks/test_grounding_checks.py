"""The checks that look at what is said: refusal, relevance, consistency, quotes, groundedness."""

from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks import consistency, groundedness, refusal, relevance, verbatim

MakeCase = Callable[..., Case]

PASSAGE = "Net sales rose 12% to $3.2 billion in 2023. The board proposes a dividend."


@pytest.mark.parametrize(
    "answer",
    [
        "Unable to answer based on given passages.",
        "I cannot determine the answer from the provided evidence.",
        "I'm sorry, but the filing does not include the revenue of 2019.",
        "The passages do not mention any acquisition.",
        "As an AI, I don't have real-time access to financial databases.",
    ],
)
def test_a_refusal_is_recognised(make_case: MakeCase, answer: str) -> None:
    verdict = refusal.check(make_case(answer, PASSAGE))
    assert verdict.verdict == "failed"
    assert verdict.spans
    assert relevance.check(make_case(answer, PASSAGE)).verdict == "passed"


@pytest.mark.parametrize(
    "answer",
    [
        PASSAGE,
        "The filing does not state the margin. Net sales rose 12%. Costs fell. Cash doubled.",
        "The company does not provide guidance.",
    ],
)
def test_an_answer_that_states_a_gap_is_no_refusal(make_case: MakeCase, answer: str) -> None:
    assert refusal.check(make_case(answer, PASSAGE)).verdict == "passed"


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        (
            "What were net sales in 2023?",
            "Net sales were $3 billion in 2022.",
            "2023 was asked for",
        ),
        ("What percentage of sales is exported?", "Most of it.", "a percentage or ratio"),
        ("How many people work there?", "Very skilled ones.", "a number"),
        ("When does the plan end?", "Soon.", "a time"),
    ],
)
def test_an_answer_to_another_question_fails(
    make_case: MakeCase, question: str, answer: str, said: str
) -> None:
    verdict = relevance.check(make_case(answer, PASSAGE, question=question))
    assert verdict.verdict == "failed"
    assert said in verdict.reason


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What were net sales in 2023?", "Net sales rose from 2022 to $3.2 billion in 2023."),
        ("What were net sales in 2023?", "$3.2 billion."),
        ("How many people work there?", "None."),
        ("When does the plan end?", "In March."),
        ("How did the year go?", PASSAGE),
        ("", PASSAGE),
    ],
)
def test_an_answer_of_the_right_kind_passes(
    make_case: MakeCase, question: str, answer: str
) -> None:
    assert relevance.check(make_case(answer, PASSAGE, question=question)).verdict == "passed"


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        (
            "Who is on call?",
            "Call the Flexline desk on business days between 08:00 and 18:00.",
            "'call the' for 'on call'",
        ),
        ("What is the charge?", "Charge the battery before first use.", "'charge the'"),
        ("What is in order?", "You can order 20 of them a day.", "'order 20' for 'in order'"),
        (
            "Who approves a limit?",
            "Limits are set once a year. The limit is then kept.",
            "somebody",
        ),
    ],
)
def test_where_an_answer_may_be_about_something_else_a_person_decides(
    make_case: MakeCase, question: str, answer: str, said: str
) -> None:
    verdict = relevance.check(make_case(answer, f"{answer} The limits stay.", question=question))
    assert verdict.verdict == "could_not_check"
    assert said in verdict.reason


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who is on call?", "Ada Wren is on call."),
        ("Who is on call?", "The on-call engineer is named in the rota."),
        ("Who is on call?", "Call the desk to learn who is on call that day."),
        ("What is the charge?", "The charge is EUR 35."),
        ("What is the charge?", "Charge for a transfer: EUR 35."),
        ("What does it cost?", "The cost is EUR 5."),
        ("Who do I call about the Flexline?", "Call the Flexline desk on business days."),
        ("Who approves a limit?", "The limit is approved by the credit committee."),
        ("Who approves a limit?", "Renswick does."),
        ("Who approves a limit?", "It needs no approval."),
    ],
)
def test_what_takes_a_word_up_as_it_was_asked_passes(
    make_case: MakeCase, question: str, answer: str
) -> None:
    assert relevance.check(make_case(answer, answer, question=question)).verdict == "passed"


@pytest.mark.parametrize(
    "answer",
    [
        "The margin is 40 / 200 = 25%.",
        "Revenue was (1,200 - 200) \u00d7 2 = 2,500.",
        "The board proposes a dividend. The board does not propose a dividend.",
        "Net sales rose strongly across Europe. Net sales fell strongly across Europe.",
    ],
)
def test_an_answer_that_contradicts_itself_fails(make_case: MakeCase, answer: str) -> None:
    verdict = consistency.check(make_case(answer, PASSAGE))
    assert verdict.verdict == "failed"
    assert all(answer[span.start : span.end] in answer for span in verdict.spans)
    assert verdict.spans


@pytest.mark.parametrize(
    "answer",
    [
        "The margin is 40 / 200 = 20%.",
        "The margin is ($40 million / $200 million) \u00d7 100 = 20%.",
        "(47,262 - 36,689) / 47,262 = 22.4%",
        "Growth = (1,204 - 1,100) / 1,100 = 0.0945",
        "Net sales rose in Europe. Net sales fell in Asia by a third of what they were.",
        PASSAGE,
    ],
)
def test_an_answer_that_holds_together_passes(make_case: MakeCase, answer: str) -> None:
    assert consistency.check(make_case(answer, PASSAGE)).verdict == "passed"


def test_quotes_are_measured_sentence_by_sentence(make_case: MakeCase) -> None:
    half = "Net sales rose 12% to $3.2 billion\nin 2023. Bees make honey."
    verdict = verbatim.check(make_case(half, PASSAGE))
    assert (verdict.verdict, verdict.score) == ("passed", 0.5)
    assert "Bees make honey." in verdict.reason
    assert [half[s.start : s.end] for s in verdict.spans] == ["Bees make honey."]
    assert verbatim.check(make_case("…", PASSAGE)).verdict == "could_not_check"


def test_a_doubtful_claim_is_pointed_at_and_its_words_are_named(make_case: MakeCase) -> None:
    answer = "Net sales rose 12% to $3.2 billion in 2023. The chairman resigned over a scandal."
    verdict = groundedness.check(make_case(answer, PASSAGE))
    assert verdict.verdict == "passed"
    assert "chairman" in verdict.reason
    assert any("chairman" in answer[s.start : s.end] for s in verdict.spans)
    sure = groundedness.check(make_case(PASSAGE, PASSAGE))
    assert sure.score > verdict.score
    assert sure.spans == ()


def test_an_answer_that_says_nothing_cannot_be_measured(make_case: MakeCase) -> None:
    assert groundedness.check(make_case("…", PASSAGE)).verdict == "could_not_check"
    for nothing in ("I hope this helps!", "Sure!", "It is so."):
        assert groundedness.check(make_case(nothing, PASSAGE)).verdict == "could_not_check"
