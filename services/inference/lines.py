"""A text's lines, and what each is on a page: prose, a table's row, its header, one cell of it."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+$")
_CELL: Final = re.compile(r"(?=.*[\d$€£%—–-])[\s\d$€£¥%(),.—–*|+-]+")  # noqa: RUF001 - dashes as cells
_PERIOD_CELL: Final = re.compile(
    r"[^\d]*(?:(?:\d{1,2},?\s+)?(?:19|20)\d\d|[Ff][Yy]\s?\d\d)(?:\s*\(\d\))?"
)
_RULE: Final = re.compile(r"[\s|:=+-]*-{3}[\s|:=+-]*")
_ROW: Final = re.compile(r".*[^\W\d_].*(?:[\s|]+[$€£(]*\s?[\d—–-][\d,.]*\)?\s?%?\)?){2,}\s*")  # noqa: RUF001 - dashes stand for nil
_PERIODS: Final = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:months?|years?|quarters?|weeks?) ended\b|\bas (?:of|at)\b|"
    r"\bin (?:thousands|millions|billions)\b",
    re.IGNORECASE,
)
_NO_HEADER: Final = re.compile(r"(?:[.;?!]|\brespectively)$")
_HEADER_LINE_MAX: Final = 80
_ROW_MAX: Final = 300  # characters; its pattern takes time that grows with the square of the line
_YEAR_CELLS: Final = re.compile(r"[\s*|]*(?:(?:19|20)\d\d[\s*|]*)+")


class Kind(Enum):
    """What a line is."""

    BLANK = auto()
    RULE = auto()
    CELL = auto()
    ROW = auto()
    HEADER = auto()
    HEADING = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """One line at its place in the text, without the blanks around it."""

    start: int
    end: int
    text: str
    kind: Kind

    @property
    def is_years(self) -> bool:
        """Whether nothing but years stands in it."""
        return _YEAR_CELLS.fullmatch(self.text) is not None


def lines(text: str) -> list[Line]:
    """Return the text's lines in their order."""
    found: list[Line] = []
    raw = [(match.start(), match.end(), match[0]) for match in _LINE.finditer(text)]
    for number, (start, end, line) in enumerate(raw):
        following = raw[number + 1][2] if number + 1 < len(raw) else ""
        found.append(Line(start, end, line.strip(), _kind(line.strip(), following.strip())))
    return found


def _kind(line: str, following: str) -> Kind:  # noqa: PLR0911 - one return for each kind
    if not line:
        return Kind.BLANK
    if _RULE.fullmatch(line):
        return Kind.RULE
    if _CELL.fullmatch(line):
        return Kind.CELL
    if line.startswith("#"):
        return Kind.HEADING
    if line.startswith("|"):
        return _kind_of_piped(line, following)
    if len(line) <= _HEADER_LINE_MAX and _PERIODS.search(line) and not _NO_HEADER.search(line):
        return Kind.TEXT if _is_wrapped_prose(line, following) else Kind.HEADER
    return Kind.ROW if len(line) <= _ROW_MAX and _ROW.fullmatch(line) else Kind.TEXT


def _kind_of_piped(line: str, following: str) -> Kind:
    cells = [cell.strip() for cell in line.strip("|").split("|")[1:]]
    filled = [cell for cell in cells if cell]
    if not filled:
        return Kind.HEADING if line.strip("| ") else Kind.BLANK
    if following.startswith("|") and _RULE.fullmatch(following):
        return Kind.HEADER
    return Kind.HEADER if all(_PERIOD_CELL.fullmatch(cell) for cell in filled) else Kind.ROW


def _is_wrapped_prose(line: str, following: str) -> bool:
    return following[:1].islower() or len(line.split()) > 8 or line[:1].islower()  # noqa: PLR2004 - more words than a heading has
