"""HTML as Markdown: headings and tables stay what they are, what a reader would not see is gone."""

import re
from collections.abc import Iterator
from typing import Any, Final

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

from glideslope.reading import Reading, ReadingError
from glideslope.reading.grid import markdown
from glideslope.reading.text import first_heading

_UNSEEN: Final = ("script", "style", "noscript", "template", "head", "svg", "img")
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_SPAN_MAX: Final = 1_000  # what HTML allows; a page may say any number


def html(raw: bytes | str) -> Reading:
    """Read a page. Its bytes are decoded as it says itself. Raises `ReadingError`."""
    soup = BeautifulSoup(raw, "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for each in soup.find_all(_UNSEEN):
        each.decompose()
    for each in soup.find_all(_is_hidden):
        if not each.decomposed:
            each.decompose()
    try:
        text = _Converter(
            heading_style="ATX",
            bullets="-",
            # a quote is checked letter by letter: the letters stay as they are
            strip=["a", "b", "strong", "i", "em", "u", "s", "del", "sub", "sup"],
            escape_misc=False,
            escape_asterisks=False,
            escape_underscores=False,
        ).convert_soup(soup)
    except RecursionError as error:
        raise ReadingError("is nested too deeply: save it as plain text") from error
    text = "\n".join(line.rstrip() for line in text.replace("\xa0", " ").split("\n"))
    text = _BLANK_LINES.sub("\n\n", text).strip()
    if not text:
        raise ReadingError(
            "has no text: where a script writes it, save it from a browser once it is shown"
        )
    return Reading(text=text, title=title or first_heading(text))


class _Converter(MarkdownConverter):
    """Tables with their merged cells spread out; a table that holds tables is mere layout."""

    def convert_table(self, el: Tag, text: str, parent_tags: Any) -> str:
        del parent_tags
        if el.find("table") is None:
            text = markdown(_rows(el))
            caption = el.find("caption")
            if caption is not None:
                text = f"{' '.join(caption.get_text(' ').split())}\n{text}"
        return f"\n\n{text}\n\n"

    def convert_tr(self, el: Tag, text: str, parent_tags: Any) -> str:
        del el, parent_tags
        return f"{text}\n"

    def convert_td(self, el: Tag, text: str, parent_tags: Any) -> str:
        del el, parent_tags
        return f"{text}\n"

    convert_th = convert_td


def _rows(table: Tag) -> Iterator[list[str]]:
    """Yield the rows of a table; a cell over several columns stands in the first of them.

    One over several rows stands in each of them: it is what names these rows.
    """
    below: dict[int, tuple[int, str]] = {}  # column: for how many more rows, which text
    for row in table.find_all("tr"):
        cells: dict[int, str] = {}
        for column, (rows, text) in list(below.items()):
            cells[column] = text
            below[column] = (rows - 1, text)
            if rows == 1:
                del below[column]
        at = 0
        for cell in row.find_all(["td", "th"]):
            while at in cells:
                at += 1
            text = " ".join(cell.get_text(" ").split())
            for over in range(_span(cell, "colspan")):
                cells[at + over] = "" if over else text
                if (rows := _span(cell, "rowspan")) > 1:
                    below[at + over] = (rows - 1, cells[at + over])
        yield [cells.get(column, "") for column in range(max(cells, default=-1) + 1)]


def _span(cell: Tag, name: str) -> int:
    said = str(cell.get(name, "1"))
    return max(1, min(_SPAN_MAX, int(said))) if said.isdecimal() else 1


def _is_hidden(tag: Tag) -> bool:
    return tag.has_attr("hidden") or _HIDDEN.search(str(tag.get("style", ""))) is not None
