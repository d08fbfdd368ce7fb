import pytest

from glideslope.reading import ReadingError, read


def pages(text: str) -> list[tuple[str, str]]:
    found = read(text.encode(), ".csv").pages or ()
    return [(page.locator, page.text) for page in found]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_stand_under_their_header_whatever_parts_them(delimiter: str) -> None:
    rows = [["Product", "Limit"], ["Flexline", "5.000"], ["Fixline", "7.000"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    assert pages(text) == [
        (
            "rows 1-2",
            "| Product | Limit |\n| --- | --- |\n| Flexline | 5.000 |\n| Fixline | 7.000 |",
        )
    ]


def test_a_cell_in_quotes_is_one_cell() -> None:
    ((_, text),) = pages('Name,Note\nA,"one, two\nthree | four"\n')
    assert text.splitlines()[-1] == "| A | one, two three \\| four |"


def test_many_rows_become_pages_that_name_their_rows_and_repeat_the_header() -> None:
    found = pages("Name,Amount\n" + "".join(f"desk {n},{n}\n" for n in range(1, 501)))
    assert found[0][0].startswith("rows 1-")
    assert found[-1][0].endswith("-500")
    assert all(text.startswith("| Name | Amount |\n| --- | --- |\n") for _, text in found)
    body = [line for _, text in found for line in text.splitlines()[2:]]
    assert body == [f"| desk {n} | {n} |" for n in range(1, 501)]


def test_a_row_that_is_larger_than_a_page_has_one_of_its_own() -> None:
    found = pages(f"Name,Note\nA,{'x' * 2_000}\nB,{'y' * 2_000}\n")
    assert [locator for locator, _ in found] == ["row 1", "row 2"]


def test_a_single_column_and_a_single_row_are_read() -> None:
    assert pages("Name\nA\n") == [("row 1", "| Name |\n| --- |\n| A |")]
    assert pages("Name,Limit\n") == [("header", "| Name | Limit |\n| --- | --- |")]


def test_a_file_without_rows_is_refused() -> None:
    with pytest.raises(ReadingError, match="has no rows"):
        read(b"\n , \n", ".csv")


def test_utf_16_with_its_mark_is_read_as_spreadsheets_write_it() -> None:
    found = read("Größe\tWert\nA\t1\n".encode("utf-16"), ".tsv")
    assert found.pages is not None
    assert found.pages[0].text.startswith("| Größe | Wert |")
