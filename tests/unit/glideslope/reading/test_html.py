import pytest

from glideslope.reading import ReadingError, read


def text(html: str) -> str:
    return read(html.encode(), ".html").text or ""


def test_headings_lists_and_paragraphs_become_markdown() -> None:
    found = text(
        "<h1>Limits</h1><p>No more<br>than 5.</p><h2>Who</h2><ul><li>one</li><li>two</li></ul>"
    )
    assert [line for line in found.split("\n") if line] == [
        "# Limits",
        "No more",
        "than 5.",
        "## Who",
        "- one",
        "- two",
    ]


def test_words_are_left_as_they_are_so_that_a_quote_of_them_stands_there() -> None:
    said = "5*3 = 15_a, <b>bold</b>, <a href='x'>a link</a>, #1. [x]"
    assert text(f"<p>{said}</p>") == "5*3 = 15_a, bold, a link, #1. [x]"


def test_what_a_reader_does_not_see_is_left_out() -> None:
    seen = text(
        "<head><style>p{}</style></head><script>x()</script><p>Seen.</p>"
        "<div style='color:red; display: none'>hidden <p>deep</p></div><p hidden>too</p>"
    )
    assert seen == "Seen."


def test_the_title_is_the_page_s_or_its_first_heading() -> None:
    assert read(b"<title> Annual\n report </title><h1>Other</h1>", ".htm").title == "Annual report"
    assert read(b"<h1>Credit policy</h1><p>A.</p>", ".html").title == "Credit policy"


def test_a_page_is_decoded_as_it_says_itself() -> None:
    raw = '<meta charset="iso-8859-1"><p>Größe</p>'.encode("latin-1")
    assert read(raw, ".html").text == "Größe"


def test_a_table_keeps_each_figure_in_its_column_whatever_is_merged() -> None:
    table = """<table><caption>Results</caption>
      <tr><td></td><td colspan="2">2024</td><td></td><td colspan="2">2023</td></tr>
      <tr><td rowspan="2">Sales</td><td>$</td><td>1,200</td><td></td><td>$</td><td>1,100</td></tr>
      <tr><td></td><td>1|2</td><td></td><td></td><td>7</td></tr></table>"""
    assert text(table) == (
        "Results\n"
        "|  | 2024 |  | 2023 |  |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| Sales | $ | 1,200 | $ | 1,100 |\n"
        "| Sales |  | 1\\|2 |  | 7 |"
    )


def test_a_table_that_holds_tables_is_layout_and_only_the_inner_ones_are_tables() -> None:
    inner = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    found = text(f"<table><tr><td><p>Left.</p></td><td>{inner}</td></tr></table>")
    assert found.split("\n\n") == ["Left.", "| a | b |\n| --- | --- |\n| 1 | 2 |"]


@pytest.mark.parametrize("html", ["", "<script>render()</script>", "<p> \xa0 </p>"])
def test_a_page_without_text_is_refused_with_what_to_do(html: str) -> None:
    with pytest.raises(ReadingError, match="save it from a browser"):
        text(html)


def test_a_page_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(ReadingError, match="nested too deeply"):
        text("<div>" * 5_000 + "x")
