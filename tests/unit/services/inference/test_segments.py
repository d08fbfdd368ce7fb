import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.segments import Segment, Span, cut


def quoted(text: str) -> list[str]:
    return [_text(text, segment.span) for segment in cut(text)]


def headers(text: str) -> list[str | None]:
    return [_text(text, s.header) if s.header else None for s in cut(text)]


def _text(text: str, span: Span) -> str:
    return text[span.start : span.end]


def test_prose_is_cut_into_sentences_across_its_line_ends() -> None:
    assert quoted("Loans are reviewed\nonce a year. Branches close at 17:00.\n") == [
        "Loans are reviewed\nonce a year.",
        "Branches close at 17:00.",
    ]


def test_abbreviations_and_decimals_end_no_sentence() -> None:
    assert quoted("Orvane Inc. earned 3.2 million in the U.S. in 2024, approx. as planned.") == [
        "Orvane Inc. earned 3.2 million in the U.S. in 2024, approx. as planned."
    ]


def test_a_row_with_pipes_comes_with_its_header() -> None:
    text = "| Stage | 2024 | 2023 |\n|---|---|---|\n| Total | 5,223 | 4,830 |\n"

    assert quoted(text) == ["| Total | 5,223 | 4,830 |"]
    assert headers(text) == ["| Stage | 2024 | 2023 |"]


def test_a_row_whose_cells_are_on_lines_of_their_own_is_one_quote() -> None:
    text = (
        "(In millions)\nAs of June 30,\n2023\n2022\nCurrent assets:\n"
        "Inventories, net\n992 \n1,114 \nTotal assets\n$\n17,003 \n$\n17,426\n"
    )

    assert quoted(text) == ["Inventories, net\n992 \n1,114", "Total assets\n$\n17,003 \n$\n17,426"]
    assert headers(text) == ["(In millions)\nAs of June 30,\n2023\n2022"] * 2
    assert [segment.near for segment in cut(text)] == ["Current assets:"] * 2


def test_a_row_on_one_line_is_a_quote_of_its_own() -> None:
    text = "Year ended December 31, 2019 2018\nNet revenues 6,489 7,500\nNet income 1,503 1,848\n"

    assert quoted(text) == ["Net revenues 6,489 7,500", "Net income 1,503 1,848"]
    assert headers(text) == ["Year ended December 31, 2019 2018"] * 2


def test_a_table_s_header_does_not_outlive_it() -> None:
    text = "| A | 2024 |\n|---|---|\n| B | 1 |\n\nProse follows here.\n\n| C | 5 |\n"

    assert headers(text) == ["| A | 2024 |", None, None]


def test_a_heading_leads_to_what_follows_and_is_not_quoted() -> None:
    text = "## 2 Security\n\nMachinery is accepted.\n\nRisk management\nLimits are set."

    assert quoted(text) == ["Machinery is accepted.", "Limits are set."]
    assert cut(text)[1].near == "Risk management"


def test_a_question_in_the_text_leads_to_its_answer_and_is_not_quoted() -> None:
    text = "**What is the highest limit?** It is EUR 400,000."

    assert quoted(text) == ["It is EUR 400,000."]
    assert "highest limit" in cut(text)[0].near


def test_a_list_stays_with_the_sentence_that_opens_it() -> None:
    text = (
        "We are a company that mainly sells:\n\nservers and chips;\n\nsoftware.\n\nWe lease land."
    )

    assert quoted(text) == [
        "We are a company that mainly sells:\n\nservers and chips;\n\nsoftware.",
        "We lease land.",
    ]


def test_a_short_text_without_a_full_stop_can_be_quoted() -> None:
    assert quoted("Notice period: nine months") == ["Notice period: nine months"]


def test_no_text_has_no_segments() -> None:
    assert cut("") == []
    assert cut(" \n\n \t") == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["word ", "a $ ( 1 ", "Inc. ", "A sentence. ", "Label\n", "Label:\n1\n", "| ", "\n"]
)
def test_a_large_text_of_any_shape_is_cut_in_time_that_grows_with_its_length(piece: str) -> None:
    text = piece * 30_000
    segments = cut(text)  # half a second; with the square of its length it takes minutes
    assert [each.span.end for each in segments[-1:]] == [len(text.rstrip())] * piece[0].isalpha()


LINES = st.sampled_from(
    [
        "", " ", "# Heading", "Total assets", "$", "19,845", "2023", "(5,563)", "|---|---|",
        "| Stage | 2024 |", "| Total | 5,223 |", "As of June 30,", "A sentence here.",
        "It goes on", "and on. What is it? This:", "- item one", "Net revenues 6,489 7,500", "—",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(LINES, max_size=25).map("\n".join)))
def test_whatever_the_text_every_span_is_a_trimmed_part_of_it_in_order(text: str) -> None:
    segments = cut(text)

    for segment in segments:
        for span in filter(None, (segment.span, segment.header)):
            quote = text[span.start : span.end]
            assert quote
            assert quote == quote.strip()
    assert [s.span.start for s in segments] == sorted(s.span.start for s in segments)
    assert all(_apart(one, other) for one, other in itertools.pairwise(segments))


def _apart(one: Segment, other: Segment) -> bool:
    return one.span.end <= other.span.start
