"""PDF, page by page: tables with lines as Markdown, others row by row as they are laid out.

pdfplumber gives lines as they stand on the page, so a figure keeps its column. Where text runs in
columns side by side that would mix them: such a page is taken in the order in which the file
writes it, as PDFium gives it.
"""

import io
import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import pdfplumber
import pypdfium2
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfplumber.page import Page as Sheet
from pdfplumber.utils.clustering import cluster_objects
from pdfplumber.utils.exceptions import PdfminerException

from glideslope.reading import Reading, ReadingError
from glideslope.reading.grid import markdown
from shared.events import Page

Word = dict[str, Any]
"""As pdfplumber gives it: `text`, `x0`, `x1`, `top`, `bottom`, in points from the top left."""

_SAME_LINE: Final = 3.0  # points
_SPACE: Final = 0.15  # of the size of the letters; justified lines have spaces this narrow
_GAP: Final = 0.8  # of a line's height; a wider one sets cells or columns apart
_APART: Final = 3  # letters between two cells, at least
_PARAGRAPH: Final = 1.5  # times the usual space between lines
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_WORDS_OF_PROSE: Final = 4
_LINES_OF_COLUMNS: Final = 3
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNMAPPED: Final = re.compile(r"\(cid:\d+\)")
_UNMAPPED_SHARE: Final = 0.1  # of the letters; a few are bullets and ornaments
_NAMED_AT_MOST: Final = 10
_GENERATED: Final = re.compile(
    r"^Microsoft (?:Word|PowerPoint|Excel) - |^\(?(?:untitled|anonymous)\)?$", re.IGNORECASE
)
_LOCKED: Final = "is protected by a password: save a copy without one"
_OCR: Final = "recognise the text first, for example with ocrmypdf IN OUT"


def pdf(raw: bytes) -> Reading:
    """Read a PDF, whose pages keep their numbers: `p. 1` is the first. Raises `ReadingError`."""
    logging.getLogger("pdfminer").setLevel(logging.ERROR)  # what it only remarks is no news
    try:
        return _read(raw)
    except ReadingError:
        raise
    except PdfminerException as error:
        locked = any(isinstance(each, PDFPasswordIncorrect) for each in error.args)
        raise ReadingError(_LOCKED if locked else _broken(error)) from error
    except Exception as error:  # whatever a broken file does to the library
        raise ReadingError(_broken(error)) from error


def _broken(error: Exception) -> str:
    return f"cannot be read as a PDF ({type(error).__name__}): open it in a viewer and save it anew"


def _read(raw: bytes) -> Reading:
    pages, pictures, unmapped = [], [], []
    with pdfplumber.open(io.BytesIO(raw)) as plumbed:
        title = _GENERATED.sub("", str(plumbed.metadata.get("Title") or "")).strip()
        for number, sheet in enumerate(plumbed.pages, start=1):
            text = _NO_TEXT.sub("", _text(sheet, raw))
            if _is_unmapped(text):
                unmapped.append(number)
            elif text.strip():
                pages.append(Page(locator=f"p. {number}", text=text))
            elif sheet.images:
                pictures.append(number)
            sheet.close()  # or a long document is held whole
    if not pages:
        raise ReadingError(
            f"has fonts that do not say which letters they show: {_OCR}"
            if unmapped
            else f"has no text, only pictures of it (a scan?): {_OCR}"
            if pictures
            else "has no text: leave it out"
        )
    notes = [
        f"{_named(numbers)} {what}, and cannot be found: {_OCR}"
        for numbers, what in (
            (pictures, "is a picture without text"),
            (unmapped, "has fonts that do not say which letters they show"),
        )
        if numbers
    ]
    return Reading(pages=tuple(pages), title=title, notes=tuple(notes))


def _text(sheet: Sheet, raw: bytes) -> str:
    words = sheet.extract_words(x_tolerance_ratio=_SPACE)
    lines = _lines(words)
    if sum(line.is_beside_prose for line in lines) >= _LINES_OF_COLUMNS:
        return _as_written(raw, sheet.page_number)
    unit = median(line.letter_width for line in lines) if lines else 1.0
    return "\n\n".join(part for part in _parts(sheet, words, unit) if part)


def _parts(sheet: Sheet, words: list[Word], unit: float) -> Iterator[str]:
    """Yield the page's tables that have lines, and what stands between them, top to bottom."""
    top = float("-inf")
    for table in sorted(sheet.find_tables(), key=lambda each: each.bbox[1]):
        _, above, _, below = table.bbox
        rows = [[cell or "" for cell in row] for row in table.extract()]
        if above < top or not _is_whole(rows, _between(words, above, below)):
            continue
        yield _laid_out(_lines(_between(words, top, above)), unit)
        yield markdown(rows)
        top = below
    yield _laid_out(_lines(_between(words, top, float("inf"))), unit)


def _is_whole(rows: list[list[str]], there: list[Word]) -> bool:
    """Say whether it is a table, and holds all that stands at its height."""
    if len(rows) < 2 or max(map(len, rows)) < 2:  # noqa: PLR2004 - fewer are a frame
        return False
    held = "".join(cell for row in rows for cell in row)
    return _letters(held) == _letters("".join(word["text"] for word in there))


def _letters(text: str) -> list[str]:
    return sorted("".join(text.split()))


def _between(words: list[Word], top: float, bottom: float) -> list[Word]:
    return [word for word in words if top <= (word["top"] + word["bottom"]) / 2 < bottom]


@dataclass(frozen=True, slots=True)
class _Line:
    """Words at one height; those that a gap sets apart are cells."""

    cells: list[list[Word]]

    @property
    def top(self) -> float:
        return min(float(word["top"]) for cell in self.cells for word in cell)

    @property
    def bottom(self) -> float:
        return max(float(word["bottom"]) for cell in self.cells for word in cell)

    @property
    def left(self) -> float:
        return float(self.cells[0][0]["x0"])

    @property
    def letter_width(self) -> float:
        words = [word for cell in self.cells for word in cell]
        width = sum(float(word["x1"] - word["x0"]) for word in words)
        return width / sum(len(word["text"]) for word in words)

    @property
    def is_beside_prose(self) -> bool:
        """Whether there is prose on both sides of a gap: columns of text, no table's cells."""
        prose = sum(len(_WORD.findall(_said(cell))) >= _WORDS_OF_PROSE for cell in self.cells)
        return prose > 1

    def text(self, left: float, unit: float) -> str:
        """Return the line with each cell where it stands, a letter taking so much room."""
        text = ""
        for cell in self.cells:
            at = round((cell[0]["x0"] - left) / unit)
            text = text.ljust(max(at, len(text) + _APART)) if text else text
            text += _said(cell)
        return text


def _lines(words: list[Word]) -> list[_Line]:
    lines = []
    for found in cluster_objects(words, "bottom", _SAME_LINE):
        line = sorted(found, key=lambda each: float(each["x0"]))
        cells = [[line[0]]]
        for before, word in itertools.pairwise(line):
            if word["x0"] - before["x1"] > _GAP * (word["bottom"] - word["top"]):
                cells.append([])
            cells[-1].append(word)
        lines.append(_Line(cells))
    return lines


def _laid_out(lines: list[_Line], unit: float) -> str:
    """Return the lines' text, with a blank line where the space between two is larger than usual.

    Rows of a table stay together, and their cells in their columns.
    """
    gaps = [after.top - before.bottom for before, after in itertools.pairwise(lines)]
    usual = max(median(gaps), 1.0) if gaps else 0.0
    left = min((line.left for line in lines), default=0.0)
    texts: list[str] = []
    for number, line in enumerate(lines):
        rows = number and len(line.cells) > 1 and len(lines[number - 1].cells) > 1
        if number and not rows and gaps[number - 1] > _PARAGRAPH * usual:
            texts.append("")
        texts.append(line.text(left, unit))
    return "\n".join(texts)


def _said(cell: list[Word]) -> str:
    return " ".join(str(word["text"]) for word in cell)


def _as_written(raw: bytes, number: int) -> str:
    document = pypdfium2.PdfDocument(raw)
    try:
        text = str(document[number - 1].get_textpage().get_text_range())
    finally:
        document.close()
    return text.replace("\r\n", "\n").replace(
        "\ufffe", "-"
    )  # how it marks a hyphen at a line's end


def _is_unmapped(text: str) -> bool:
    rest, times = _UNMAPPED.subn("", text)
    return times > _UNMAPPED_SHARE * (times + len("".join(rest.split())))


def _named(numbers: Sequence[int]) -> str:
    named = ", ".join(f"p. {each}" for each in numbers[:_NAMED_AT_MOST])
    more = len(numbers) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named
