import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.figures import read_figures
from services.validator.scales import stated_scale


def texts(text: str) -> list[str]:
    return [figure.text for figure in read_figures(text).figures]


def test_figures_are_found_in_their_order_and_place() -> None:
    text = "On 31 Dec 2023 sales were $3.2 billion (up 12%), three times those of A320s."
    assert texts(text) == ["31 Dec 2023", "$3.2 billion", "12%", "three times", "A320s"]
    assert all(text[f.start : f.end] == f.text for f in read_figures(text).figures)


@pytest.mark.parametrize(
    "text",
    [
        "1. Sales rose\n2. Costs fell",
        "see [1] and [23]",
        "the 10-K and the 8-K/A",
        "a 401(k) plan",
        "(in millions)",
        "€m",
        "in thousands of dollars",
        "in A$ million",
        "in USD millions",
        "in thousand euros",
        "in US dollar millions",
        "in U.S.$ mn",
        "(\u2018000)",
        "\u20ac\u2018000",
        "\u2018000s",
    ],
)
def test_markers_forms_and_a_tables_scale_are_no_figures(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("The merger brought in nine million dollars of savings.", "nine million dollars"),
        ("Sales came in at nine billion dollars.", "nine billion dollars"),
        ("It resulted in nine million\nnew customers.", "nine million"),
        ("Sales came in at $9.5 mn.", "$9.5 mn"),
        ("Sales resulted in 95 millions.", "95 millions"),
    ],
)
def test_a_number_behind_in_keeps_its_scale_to_itself(text: str, figure: str) -> None:
    assert texts(text) == [figure]
    assert stated_scale(text) is None


@given(st.text(max_size=300))
def test_whatever_a_text_is_it_holds_the_figures_read_from_it(text: str) -> None:
    read = read_figures(text)
    assert all(read.holds(figure) for figure in read.figures if figure.readings)


@given(st.text(alphabet="0123456789.,-()$€%/: \nQFYmbn'\u2019\u2013", max_size=200))
def test_whatever_looks_like_numbers_is_read_without_overlap(text: str) -> None:
    figures = read_figures(text).figures
    assert all(text[f.start : f.end] == f.text for f in figures)
    assert all(f.end <= g.start for f, g in pairwise(figures))


PIECES = (
    *("5", "20", "1.5", "2019", "Q1", "May", "one", "first", "fiscal", "A$", "US$", "$", "S-1"),
    *(
        "in",
        "thousand",
        "million",
        "%",
        "(",
        ")",
        "[1]",
        "passage",
        ".",
        ",",
        "-",
        "'",
        "a",
        "\u0130",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=9), st.sampled_from(["", " "]))
def test_a_figure_is_read_alike_in_a_short_and_in_a_long_text(
    pieces: list[str], space: str
) -> None:
    text = space.join(pieces) + "\nwithout"
    more = " any other words that say anything" * 3
    short, long = read_figures(text).figures, read_figures(text + more).figures
    assert [(f.text, f.start, f.readings) for f in short] == [
        (f.text, f.start, f.readings) for f in long
    ]


@pytest.mark.parametrize(
    ("passage", "holds", "lacks"),
    [
        ("(in millions)\nSales 3,200", "3.2 billion", "3.2 million"),
        ("Sales, €m\n3,200", "€3.2 billion", "$3.2 billion"),
        ("In thousands of dollars\nSales 3,200", "$3.2 million", "$3.2 billion"),
        ("US$ million\nSales 3,200", "$3,200 million", "$3,200 thousand"),
        ("(in millions)\nSales 3,200\n(in thousands)\nStaff cost 15", "$15 thousand", "15 million"),
        ("(in millions, except per share)\nEarnings per share $ 1.25", "$1.25", "$1.25 million"),
        ("Days sales outstanding 45", "45 days", "45%"),
        ("between $2 and $3 billion", "$2 billion", "$2 million"),
        ("Change (%)\nSales 12", "12%", "12 bps"),
        ("In the third quarter\n2023", "third quarter of 2023", "second quarter of 2023"),
    ],
)
def test_a_passage_holds_a_figure_under_its_scale_and_unit(
    passage: str, holds: str, lacks: str
) -> None:
    source = read_figures(f"Amounts in $ or €.\n{passage}" if "$" in holds else passage)
    assert all(source.holds(figure) for figure in read_figures(holds).figures)
    assert not all(source.holds(figure) for figure in read_figures(lacks).figures)


ADVERSARIAL = [
    "1", "1,", "1,234", "(", "$", "$(", "in a ", " ", "-", "May ", "2023 ", "a1-", "\n", "1.",
    "fiscal ", "(1", "Q1 of ", "2 to ", "in millions ", "USD", "U.S. ", "twenty ",
    "$ 1 ", "December 31, ",
]  # fmt: skip


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """A pattern that backtracks would take hours here; linear ones take under 2 s on a laptop."""
    text = piece * (20_000 // len(piece))
    begin = time.process_time()
    read_figures(text)
    assert time.process_time() - begin < 10
