import io
from collections.abc import Callable

import pytest
from reportlab.pdfgen.canvas import Canvas

from glideslope.reading import ReadingError, read
from tests.unit.glideslope.reading.conftest import (
    GRID,
    RIGHT,
    TABLE,
    MakePdf,
    paragraph,
    table,
)

SENTENCE = "The group's net interest income rose by 8.3% to EUR 214.6 million in 2024. Costs fell. "


def pages(raw: bytes) -> dict[str, str]:
    return {page.locator: page.text for page in read(raw, ".pdf").pages or ()}


def test_pages_keep_their_numbers_also_behind_an_empty_one(make_pdf: MakePdf) -> None:
    raw = make_pdf(
        [paragraph("First.")], [paragraph(" ")], [paragraph("Third.")], title="Report 24"
    )
    assert pages(raw) == {"p. 1": "First.", "p. 3": "Third."}
    assert read(raw, ".pdf").title == "Report 24"


def test_a_title_that_a_program_made_up_is_none(make_pdf: MakePdf) -> None:
    assert read(make_pdf([paragraph("A.")]), ".pdf").title == ""
    named = make_pdf([paragraph("A.")], title="Microsoft Word - limits.doc")
    assert read(named, ".pdf").title == "limits.doc"


def test_a_table_with_lines_becomes_markdown_with_each_figure_under_its_year(
    make_pdf: MakePdf,
) -> None:
    raw = make_pdf([paragraph("Before."), table(TABLE, GRID), paragraph("After.")])
    assert pages(raw)["p. 1"] == (
        "Before.\n\n"
        "| In EUR million | 2024 | 2023 |\n"
        "| --- | --- | --- |\n"
        "| Net interest income | 214.6 | 198.2 |\n"
        "| Fee income |  | 41.0 |\n"
        "| Operating costs | (120.4) | (115.9) |\n\n"
        "After."
    )


def test_a_table_without_lines_keeps_rows_whole_and_figures_in_their_columns(
    make_pdf: MakePdf,
) -> None:
    text = pages(make_pdf([table(TABLE, RIGHT, [200, 80, 80])]))["p. 1"]
    header, income, fees, costs = text.split("\n")
    assert [line.split("  ")[0] for line in (header, income, fees, costs)] == [
        row[0] for row in TABLE
    ]
    assert fees.index("41.0") + len("41.0") == pytest.approx(header.index("2023") + 4, abs=2)
    assert costs.index("(120.4)") < header.index("2024") + 4 < fees.index("41.0")


def test_columns_of_text_are_read_one_after_the_other(make_pdf: MakePdf) -> None:
    raw = make_pdf([paragraph(f"{number}. {SENTENCE * 3}") for number in range(16)], columns=2)
    text = " ".join(pages(raw)["p. 1"].split())
    assert all(f"{number}. {(SENTENCE * 3).strip()}" in text for number in range(16))


def test_nothing_of_a_table_is_lost_where_text_stands_beside_it(make_pdf: MakePdf) -> None:
    inner = table(TABLE, GRID)
    raw = make_pdf([table([[inner, "See note 4."]], [])])
    text = pages(raw)["p. 1"]
    assert all(cell in text for row in TABLE for cell in row)
    assert "See note 4." in text


def test_a_scan_is_refused_with_what_to_do(make_scan: Callable[[int], bytes]) -> None:
    with pytest.raises(ReadingError, match=r"scan.*ocrmypdf"):
        read(make_scan(2), ".pdf")


def test_pages_that_are_pictures_are_named() -> None:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.drawString(100, 700, "Text.")
    canvas.showPage()
    canvas.drawInlineImage(_picture(), 0, 0, 200, 200)
    canvas.save()
    found = read(file.getvalue(), ".pdf")
    assert [page.locator for page in found.pages or ()] == ["p. 1"]
    assert [note.split(",")[0] for note in found.notes] == ["p. 2 is a picture without text"]


def _picture() -> object:
    from PIL import Image  # noqa: PLC0415 - for this alone

    return Image.new("RGB", (8, 8))


def test_a_file_without_any_text_is_refused(make_pdf: MakePdf) -> None:
    with pytest.raises(ReadingError, match="has no text: leave it out"):
        read(make_pdf([paragraph(" ")]), ".pdf")


def test_a_password_is_asked_to_be_removed(make_pdf: MakePdf) -> None:
    with pytest.raises(ReadingError, match="protected by a password"):
        read(make_pdf([paragraph("A.")], encrypt="secret"), ".pdf")


@pytest.mark.parametrize("raw", [b"", b"%PDF", b"%PDF-1.7\n" + b"\xff" * 500, b"no PDF at all"])
def test_a_broken_file_is_refused_with_what_to_do(raw: bytes) -> None:
    with pytest.raises(ReadingError, match=r"cannot be read as a PDF .*: open it|has no text"):
        read(raw, ".pdf")


def test_a_file_that_breaks_off_is_refused_or_read_but_fails_in_no_other_way(
    make_pdf: MakePdf,
) -> None:
    raw = make_pdf([paragraph(SENTENCE)], [paragraph(SENTENCE)])
    refused = 0
    for end in range(0, len(raw), len(raw) // 12):
        try:
            read(raw[:end], ".pdf")
        except ReadingError:
            refused += 1
    assert refused
