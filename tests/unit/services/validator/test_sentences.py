import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.sentences import sentences


@pytest.mark.parametrize(
    "parts",
    [
        ["Net sales rose 12% to $3.2 billion (U.S. GAAP) in 2023.", "Costs fell."],
        ["EBIT, i.e. operating income, fell to $1.1 bn. vs. $1.3 bn.", "It may recover."],
        ["Mr. J. Smith of Acme Inc. resigned on Dec. 31, 2023.", "See No. 5."],
        ["It is sold by Acme Inc.", "The rest is not."],
        ["It grew in the U.S.", "The rest fell."],
        ['He said "yes."', "Did it rise?", "It did!", "Then it fell…"],
        ["It was 2023.", "Then came 2024."],
    ],
)
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    assert [sentence.text for sentence in sentences(" ".join(parts))] == parts


def test_list_items_and_paragraphs_are_sentences_and_wrapped_lines_are_not() -> None:
    text = "Reasons:\n- Demand rose\n- Costs fell\n1. First point\n\nWrapped\nover lines. End."
    assert [sentence.text for sentence in sentences(text)] == [
        "Reasons:",
        "- Demand rose",
        "- Costs fell",
        "1. First point",
        "Wrapped\nover lines.",
        "End.",
    ]


@given(st.text(max_size=400))
def test_no_letter_or_digit_is_lost_and_places_are_right(text: str) -> None:
    found = sentences(text)
    assert all(text[s.start : s.end] == s.text for s in found)
    kept = "".join(sentence.text for sentence in found)
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize("piece", [".", ". ", "a.", "A. ", "\n", "\n ", '"', "1. ", "x", " ", "(("])
def test_splitting_takes_time_in_proportion_to_the_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begin = time.process_time()
    sentences(text)
    assert time.process_time() - begin < 5
