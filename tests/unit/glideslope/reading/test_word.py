import io
import zipfile

import docx
import pytest

from glideslope.reading import ReadingError, read


def made() -> bytes:
    document = docx.Document()
    document.add_heading("Credit policy", 0)
    document.add_heading("Limits", 1)
    document.add_paragraph("No more than 5.")
    table = document.add_table(rows=2, cols=2)
    for at, word in enumerate(["Product", "Limit", "Flexline", "5,000"]):
        table.cell(at // 2, at % 2).text = word
    document.add_paragraph("After the table.")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_headings_paragraphs_and_tables_keep_their_order() -> None:
    found = read(made(), ".docx")
    assert found.title == "Credit policy"
    assert (found.text or "").split("\n\n") == [
        "# Credit policy",
        "# Limits",
        "No more than 5.",
        "| Product | Limit |\n| --- | --- |\n| Flexline | 5,000 |",
        "After the table.",
    ]


def test_what_is_no_word_document_is_refused_with_what_to_do() -> None:
    with pytest.raises(ReadingError, match=r"save it as \.docx"):
        read(b"\xd0\xcf\x11\xe0 an old or a locked one", ".docx")
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(ReadingError, match="save it anew"):
        read(other.getvalue(), ".docx")


def test_a_document_without_text_is_refused() -> None:
    file = io.BytesIO()
    docx.Document().save(file)
    with pytest.raises(ReadingError, match="has no text"):
        read(file.getvalue(), ".docx")
