import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.documents import tidied
from services.ingest.passages import MOST, TARGET, Cut, split_pages, split_text

CPU_SECONDS = 6.0  # linear time is far below, quadratic time far above
HOSTILE = 256 * 1024

LINE = st.sampled_from(
    [
        *("", " ", "# Limits", "2 Limits", "2.1 Scope", "RISK FACTORS", "§ 3 Terms"),
        *("Revenue rose by 4% to 3.2 billion. Costs fell. Nobody minded!", "no stop here"),
        *(
            "| a | b |",
            "|---|---|",
            "a\tb\t1",
            "Net sales 1,200 1,100",
            "Net sales      1,200    1,100",
            "$",
            "5,794",
            "2029",
        ),
        *("At December 31, 2029", "—", "x" * 3_000, "word " * 400, "¶1", "\f", "…", "。"),
    ]
) | st.text(max_size=40)
TEXT = st.lists(LINE, max_size=60).map("\n".join)
LOCATOR = st.sampled_from(["p. 1", "p. 2", "p. 1 ¶1", "", " p. 1"])


def solid(text: str) -> str:
    return "".join(text.split())


def everything(cuts: Iterable[Cut]) -> str:
    return solid("".join(cut.text for cut in cuts))


@given(TEXT, st.sampled_from(["", "Credit policy", "Limits"]))
def test_a_text_is_cut_without_loss_overlap_or_a_repeated_locator(text: str, title: str) -> None:
    cuts = list(split_text(text, title))
    assert everything(cuts) == solid(text)
    assert len({cut.locator for cut in cuts}) == len(cuts)
    assert all(0 < len(cut.passage) <= MOST for cut in cuts)


@given(st.lists(st.tuples(LOCATOR, TEXT), max_size=5))
def test_pages_are_cut_without_loss_overlap_or_a_repeated_locator(
    pages: list[tuple[str, str]],
) -> None:
    cuts = list(split_pages(pages))
    assert everything(cuts) == solid("".join(text for _, text in pages))
    assert len({cut.locator for cut in cuts}) == len(cuts)
    assert all(0 < len(cut.passage) <= MOST for cut in cuts)


def test_short_paragraphs_of_a_section_share_a_passage_and_sections_do_not() -> None:
    text = "# Credit policy\n\nOne.\n\nTwo.\n\n## 2 Limits\n\nThree.\n\nFour."
    assert [(cut.locator, cut.text) for cut in split_text(text, "Credit policy")] == [
        ("Credit policy ¶1-2", "# Credit policy\n\nOne.\n\nTwo."),
        ("Credit policy § 2 Limits ¶1-2", "## 2 Limits\n\nThree.\n\nFour."),
    ]


def test_a_passage_is_filled_with_whole_paragraphs_up_to_the_target() -> None:
    paragraph = "Nothing is ever certain in credit. " * 10  # 350 characters
    cuts = list(split_text("\n\n".join([paragraph] * 5), "Policy"))
    assert [cut.locator for cut in cuts] == ["Policy ¶1-2", "Policy ¶3-4", "Policy ¶5"]
    assert all(len(cut.text) <= TARGET for cut in cuts)


def test_headings_without_a_mark_are_told_by_number_or_capitals() -> None:
    text = "2 Limits\n\nA limit.\n\nRISK FACTORS\n\nA risk.\n\n§ 4 Terms\n\nA term."
    assert [cut.locator for cut in split_text(text)] == [
        "§ 2 Limits ¶1",
        "§ RISK FACTORS ¶1",
        "§ 4 Terms ¶1",
    ]


def test_sections_of_the_same_name_go_on_counting() -> None:
    text = "# Note\n\nOne.\n\n# Other\n\nTwo.\n\n# Note\n\nThree."
    assert [cut.locator for cut in split_text(text)] == ["§ Note ¶1", "§ Other ¶1", "§ Note ¶2"]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "The group's net sales rose by 4.5 per cent to 3.2 billion crowns. "
    cuts = list(split_text(sentence * 40, "Report"))
    assert [cut.locator for cut in cuts] == [f"Report ¶1 ({n})" for n in (1, 2, 3)]
    assert all(cut.text.startswith("The") and cut.text.endswith("crowns.") for cut in cuts)


def test_a_page_keeps_its_own_locator_whatever_headings_stand_on_it() -> None:
    long = "A sentence. " * 60
    cuts = split_pages([("p. 3", f"# One\n\n{long}\n\n# Two\n\n{long}"), ("p. 4", "Last.")])
    assert [cut.locator for cut in cuts] == ["p. 3 ¶1", "p. 3 ¶2", "p. 4 ¶1"]


def test_form_feeds_in_a_text_are_its_page_breaks() -> None:
    cuts = list(split_text("One.\f\fThree.", "Report"))
    assert [(cut.locator, cut.text) for cut in cuts] == [("p. 1 ¶1", "One."), ("p. 3 ¶1", "Three.")]


def test_a_cut_table_repeats_its_header_row_and_keeps_its_rows_whole() -> None:
    rows = [f"| Product {n} | {n},000 | {n * 7} % |" for n in range(100)]
    header = "Limits by product\n| Product | Limit | Share |\n|---|---|---|"
    first, *others = split_text(f"Intro.\n\n{header}\n" + "\n".join(rows), "Policy")
    assert others
    assert "Limits by product" in first.text or "Limits by product" in others[0].text
    continued = [cut for cut in others if cut.header]
    assert continued
    for cut in continued:
        assert cut.passage.startswith(header)
    lines = [line for cut in (first, *others) for line in cut.text.splitlines()]
    assert [line for line in lines if line.startswith("| Product ")][1:] == rows


@pytest.mark.parametrize(
    "header",
    [
        "In EUR million                        2029           2028",
        "In EUR million   Three months     Six months\n                 2029   2028   2029   2028",
        "Product                               Limit          Share",
    ],
)
def test_a_table_as_it_is_laid_out_on_a_page_repeats_its_column_names(header: str) -> None:
    rows = [
        f"Item {chr(65 + n % 26)} of the books            {n}.6           {n}" for n in range(80)
    ]
    first, *others = split_pages([("p. 9", "\n".join(["Balance sheet", header, *rows]))])
    assert others
    for cut in others:
        assert cut.header == f"Balance sheet\n{header}"
    lines = [line for cut in (first, *others) for line in cut.text.splitlines()]
    assert lines[1 + len(header.splitlines()) :] == rows


def test_a_table_that_a_pdf_gave_cell_by_cell_repeats_title_and_column_names() -> None:
    header = ["Consolidated Balance Sheet", "(in millions)", "At December 31,", "2029", "2028"]
    rows = [
        cell for n in range(120) for cell in (f"Item {chr(65 + n % 26)} of the books", "$", "1,234")
    ]
    cuts = list(split_pages([("p. 9", "\n \n".join([*header, *rows]))]))
    assert len(cuts) > 1
    for cut in cuts[1:]:
        assert cut.header.splitlines() == header
        assert cut.text.startswith("Item ")


def test_a_table_that_fits_is_not_cut() -> None:
    table = "\n".join(f"Net sales {n} 1,200 1,100" for n in range(30))
    (cut,) = split_text(table, "Report")
    assert (cut.locator, cut.text) == ("Report ¶1", table)


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1x",
        "|",
        "| ",
        "|1999,",
        "1\n",
        "a\n\n",
        "# a\n",
        "a. ",
        ".",
        " x",
        "\t",
        "\n",
        "x   ",
        "x   1\n",
        "$\nA\n",
    ],
)
def test_a_hostile_document_is_cut_in_linear_time(unit: str) -> None:
    text = (unit * HOSTILE)[:HOSTILE] + "x"
    start = time.process_time()
    cuts = list(split_text(tidied(text, "text"), "T"))
    assert time.process_time() - start < CPU_SECONDS
    assert everything(cuts) == solid(text)
