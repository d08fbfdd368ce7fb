import sys

import pytest

from glideslope.reading import NoReaderError, ReadingError, read


@pytest.mark.parametrize(
    ("suffix", "text", "title"),
    [
        (".md", "intro\n\n## The policy ##\n# Later", "The policy"),
        (".md", "#hashtag\n####### seven\n", ""),
        (".md", "#\n# \n# Real", "Real"),
        (".markdown", "", ""),
        (".txt", "# not a heading here", ""),
    ],
)
def test_the_title_is_the_first_heading_of_markdown(suffix: str, text: str, title: str) -> None:
    found = read(text.encode(), suffix)
    assert (found.text, found.title) == (text, title)


def test_a_byte_order_mark_is_no_text() -> None:
    assert read("\ufeff# Größe".encode(), ".md").text == "# Größe"


def test_what_is_not_utf_8_is_refused_with_what_to_do() -> None:
    with pytest.raises(ReadingError, match="iconv"):
        read(b"Gr\xf6\xdfe", ".txt")


def test_a_reader_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "glideslope.reading.word", raising=False)
    monkeypatch.setitem(sys.modules, "mammoth", None)
    with pytest.raises(
        NoReaderError, match=r"needs mammoth .*pip install 'glideslope\[documents\]"
    ):
        read(b"", ".docx")
