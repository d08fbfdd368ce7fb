import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.question import Kind, read


def main(question: str) -> set[str]:
    return {word for concept in read(question).main_concepts() for word in concept.ways[0]}


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When is the dividend paid?", "time"),
        ("How long does an application take?", "time"),
        ("How much is the late fee?", "figure"),
        ("What was the interest margin?", "figure"),
        ("Who approves a loan?", "name"),
        ("Why did margins fall?", "reason"),
        ("What drove the change in revenue?", "reason"),
        ("Is peat financed?", None),
    ],
)
def test_a_question_tells_what_would_answer_it(question: str, kind: Kind | None) -> None:
    assert read(question).wants == kind


def test_a_question_is_kept_for_who_reads_it_next_unless_it_is_long() -> None:
    usual, long = "How much is the late fee?", "How much is the late fee? " * 300

    assert read(usual) is read(usual)
    assert read(long) is not read(long)
    assert read(long) == read(long)


def test_periods_are_read_apart_from_what_is_asked() -> None:
    question = read("What was revenue in Q2 of FY2019 and in 2018?")

    assert question.years == {"2019", "2018"}
    assert question.quarters == {"q2"}
    assert main("What was revenue in Q2 of FY2019 and in 2018?") == {"revenu"}


def test_what_stands_beside_the_question_is_not_what_is_asked() -> None:
    assert main(
        "According to the balance sheet, what is goodwill (in USD)? Round to two decimals."
    ) == {"goodwil"}


def test_a_synonym_stands_for_its_group() -> None:
    (concept,) = read("What was the topline?").main_concepts()

    assert concept.is_in(frozenset({"net", "sale"}))
    assert concept.is_in(frozenset({"revenu"}))
    assert not concept.is_in(frozenset({"net", "incom"}))


def test_a_name_inside_the_sentence_is_known_as_a_name() -> None:
    concepts = {next(iter(c.ways[0])): c for c in read("Does Orvane finance peat?").concepts}

    assert concepts["orvan"].is_name
    assert not concepts["peat"].is_name


def test_a_question_of_directing_words_alone_is_still_about_something() -> None:
    assert main("What is the answer?") == {"answer"}


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    question = read(text)

    assert all(weight > 0 for weight in question.search_terms().values())
