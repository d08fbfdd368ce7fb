"""A document's text cut into passages, each with a locator that a reader can follow.

A passage is a run of whole paragraphs of one section or page, of about `TARGET` characters; only a
paragraph or table that is longer than `MOST` is cut, at the best break there is. Nothing overlaps
and nothing is left out. Takes time linear in the text's length.

A locator is the page's own, or title and section heading, and the paragraphs' numbers: `p. 3 ¶2`,
`Credit policy § 2 Limits ¶1-3`, and for pieces of one paragraph `p. 3 ¶2 (1)`.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from services.ingest.layout import Block, Kind, blocks, heading_text

TARGET: Final = 900
"""Characters of a passage that are aimed at."""
MOST: Final = 1_400
"""Characters of a passage that are never exceeded."""

_NAME_MAX: Final = 80  # characters of a title or heading in a locator
_SHORT: Final = TARGET // 3  # a section of a page that is shorter goes with the next

_PROSE_BREAKS: Final = (
    re.compile(r"\n\n+"),
    re.compile(r"[.!?]['\")\]’”]*\s+|[。！？]"),  # noqa: RUF001 - marks of Chinese and Japanese
    re.compile(r"\n"),
    re.compile(r"\s+"),
)
_TABLE_BREAKS: Final = (
    re.compile(r"\n(?=\s*(?:[^\W\d_]|\|))"),  # before a row's label
    re.compile(r"\n"),
    re.compile(r"\s+"),
)


@dataclass(frozen=True, slots=True)
class Cut:
    """One piece of a text. `header` is repeated from the start of the table it continues."""

    locator: str
    text: str
    header: str = ""

    @property
    def passage(self) -> str:
        """What is indexed, read and quoted."""
        return f"{self.header}\n{self.text}" if self.header else self.text


def split_pages(pages: Iterable[tuple[str, str]]) -> Iterator[Cut]:
    """Cut pages, given as (locator, text); no passage crosses a page's end."""
    splitter = _Splitter()
    for locator, text in pages:
        # a page's own locator says more than the headings that happen to stand on it
        yield from splitter.split(text.replace("\f", "\n\n"), locator, by_section=False)


def split_text(text: str, title: str = "") -> Iterator[Cut]:
    """Cut a text by its headings; one with form feeds (as pdftotext writes) by its pages."""
    if "\f" in text:
        pages = enumerate(text.split("\f"), start=1)
        return split_pages((f"p. {number}", page) for number, page in pages)
    return _Splitter().split(text, title[:_NAME_MAX], by_section=True)


class _Splitter:
    """Numbers paragraphs over a whole document, so that no two locators are the same."""

    def __init__(self) -> None:
        self._paragraphs: Counter[str] = Counter()

    def split(self, text: str, locator: str, *, by_section: bool) -> Iterator[Cut]:
        locator = place = locator.strip()
        run = _Run()
        for block in blocks(text):
            if block.kind is Kind.HEADING:
                if (run.has_text and (by_section or run.length_with(run.end) >= _SHORT)) or (
                    run.length_with(block.end) > TARGET
                ):
                    yield from self._whole(text, place, run)
                    run = _Run()
                if by_section:
                    place = _section(locator, heading_text(text, block))
                run.add(block)
                continue
            if run.has_text and run.length_with(block.end) > TARGET:
                yield from self._whole(text, place, run)
                run = _Run()
            run.add(block)
            if run.length_with(block.end) > MOST:
                yield from self._pieces(text, place, run, block)
                run = _Run()
        yield from self._whole(text, place, run)

    def _whole(self, text: str, place: str, run: "_Run") -> Iterator[Cut]:
        if run.is_empty:
            return
        first = self._paragraphs[place] + 1
        last = self._paragraphs[place] = self._paragraphs[place] + max(run.paragraphs, 1)
        numbers = str(first) if first == last else f"{first}-{last}"
        yield Cut(f"{place} ¶{numbers}".strip(), text[run.start : run.end].strip())

    def _pieces(self, text: str, place: str, run: "_Run", block: Block) -> Iterator[Cut]:
        self._paragraphs[place] += 1
        name = f"{place} ¶{self._paragraphs[place]}".strip()
        breaks = _TABLE_BREAKS if block.kind is Kind.TABLE else _PROSE_BREAKS
        room = MOST - (len(block.header) + 1 if block.header else 0)
        spans = _cut(text, run.start, block.end, room, breaks)
        pieces = (piece for start, end in spans if (piece := text[start:end].strip()))
        for number, piece in enumerate(pieces, start=1):
            yield Cut(f"{name} ({number})", piece, block.header if number > 1 else "")


class _Run:
    """Consecutive blocks that become one passage."""

    def __init__(self) -> None:
        self.start = self.end = self.paragraphs = 0
        self.is_empty = True

    @property
    def has_text(self) -> bool:
        return self.paragraphs > 0

    def length_with(self, end: int) -> int:
        return 0 if self.is_empty else end - self.start

    def add(self, block: Block) -> None:
        if self.is_empty:
            self.start, self.is_empty = block.start, False
        self.end = block.end
        self.paragraphs += block.kind is not Kind.HEADING


def _section(title: str, heading: str) -> str:
    heading = heading[:_NAME_MAX].strip()
    return title if heading == title else f"{title} § {heading}".strip()


def _cut(
    text: str, start: int, end: int, most: int, breaks: Iterable[re.Pattern[str]]
) -> Iterator[tuple[int, int]]:
    """Yield spans of at most `most` characters, of about the same length."""
    while (rest := end - start) > most:
        even = rest / math.ceil(rest / min(TARGET, most))
        at = _best_break(text, start + int(even * 0.6), start + min(most, int(even * 1.3)), breaks)
        yield start, at
        start = at
    yield start, end


def _best_break(text: str, earliest: int, latest: int, breaks: Iterable[re.Pattern[str]]) -> int:
    for kind in breaks:
        found = None
        for found in kind.finditer(text, earliest, latest):  # noqa: B007 - the last one is wanted
            pass
        if found is not None:
            return found.end()
    return latest
