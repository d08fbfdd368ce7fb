"""Delimited rows (CSV, TSV), as pages of a few rows, each under the header."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from glideslope.reading import Reading, ReadingError
from glideslope.reading.grid import markdown
from glideslope.reading.text import decoded
from shared.events import Page

_PAGE_CHARACTERS: Final = 900  # what ingest aims at for a passage
_SAMPLE_CHARACTERS: Final = 64 * 1024
_DELIMITERS: Final = ",;\t|"


def delimited(raw: bytes) -> Reading:
    """Read rows; the first is the header, which each page repeats. Raises `ReadingError`."""
    text = decoded(raw)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:_SAMPLE_CHARACTERS], _DELIMITERS)
    except csv.Error:  # a single column, or none that it can tell
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(map(str.strip, row))]
    except csv.Error as error:
        raise ReadingError(f"is no CSV ({error}): export it again, or save it as .txt") from error
    if not rows:
        raise ReadingError("has no rows: leave it out")
    return Reading(pages=tuple(_pages(rows)))


def _pages(rows: list[list[str]]) -> Iterator[Page]:
    header, body = rows[0], rows[1:]
    if not body:
        yield Page(locator="header", text=markdown([header]))
        return
    first = 0
    room = _PAGE_CHARACTERS - _length(header)
    for number, row in enumerate(body):
        room -= _length(row)
        if room < 0 and number > first:
            yield _page(header, body, first, number)
            first, room = number, _PAGE_CHARACTERS - _length(header) - _length(row)
    yield _page(header, body, first, len(body))


def _page(header: list[str], body: list[list[str]], first: int, end: int) -> Page:
    rows = body[first:end]
    alone = len(rows) == 1
    locator = f"row {first + 1}" if alone else f"rows {first + 1}-{end}"
    return Page(locator=locator, text=markdown([header, *rows]))


def _length(row: list[str]) -> int:
    return sum(map(len, row)) + 3 * len(row) + 2
