"""A passage as it is shown: prose, and tables whose cells can be pointed at. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.web.marks import COMPARED, Mark, Piece, covers, pieces

_RULE: Final = re.compile(r"[\s|:+=-]*")
_DELIMITERS: Final = ("|", "\t", ";")
_LEAST: Final = 2
_FIGURE: Final = re.compile(r"[(\s$€£¥+-]*\d[\d.,\s]*[%)\w]*")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, its text in pieces. `scope`: it heads its `col` or `row`; '' where neither."""

    pieces: tuple[Piece, ...]
    scope: str
    is_figure: bool
    is_compared: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Part of a passage: `rows` of a table, or else `prose`."""

    prose: tuple[Piece, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


def blocks(text: str, marks: Sequence[Mark]) -> list[Block]:
    """Cut a passage into prose and tables.

    A table is two lines or more with one delimiter: a pipe, a tab, or a semicolon and a space.
    """
    found: list[Block] = []
    for start, end, delimiter in _stretches(text):
        if delimiter is None:
            found.append(Block(prose=tuple(pieces(text, marks, start, end))))
        else:
            found.append(Block(rows=tuple(_rows(text, marks, start, end, delimiter))))
    return found


def _stretches(text: str) -> Iterator[tuple[int, int, str | None]]:
    """Return the stretches of a text with the delimiter of each; None is prose."""
    lines: list[tuple[int, int, str | None]] = []
    at = 0
    for line in text.splitlines(keepends=True):
        lines.append((at, at + len(line), _delimiter(line)))
        at += len(line)
    runs: list[list[tuple[int, int, str | None]]] = []
    for each in lines:
        if runs and runs[-1][-1][2] == each[2]:
            runs[-1].append(each)
        else:
            runs.append([each])
    open_from: int | None = None
    for run in runs:
        if run[0][2] is not None and len(run) >= _LEAST:
            if open_from is not None:
                yield open_from, run[0][0], None
                open_from = None
            yield run[0][0], run[-1][1], run[0][2]
        elif open_from is None:
            open_from = run[0][0]
    if open_from is not None:
        yield open_from, len(text), None


def _delimiter(line: str) -> str | None:
    for delimiter in _DELIMITERS:
        if line.strip().strip(delimiter).count(delimiter) and (
            delimiter != ";" or "; " in line or line.rstrip().endswith(";")
        ):
            return delimiter
    return None


def _rows(
    text: str, marks: Sequence[Mark], start: int, end: int, delimiter: str
) -> Iterator[tuple[Cell, ...]]:
    at, first = start, True
    for line in text[start:end].splitlines(keepends=True):
        if not _RULE.fullmatch(line):
            spans = list(_cells(line, at, delimiter))
            yield tuple(
                _cell(text, marks, a, b, "col" if first else "" if column else "row")
                for column, (a, b) in enumerate(spans)
            )
            first = False
        at += len(line)


def _cells(line: str, at: int, delimiter: str) -> Iterator[tuple[int, int]]:
    """Return where each cell's text begins and ends."""
    body = line.rstrip()
    lead = len(body) - len(body.lstrip(" "))
    inner = body[lead:]
    if delimiter == "|":
        lead += inner.startswith("|")
        inner = inner.removeprefix("|").removesuffix("|")
    position = at + lead
    for written in inner.split(delimiter):
        kept = written.strip()
        begin = position + (len(written) - len(written.lstrip()))
        yield begin, begin + len(kept)
        position += len(written) + len(delimiter)


def _cell(text: str, marks: Sequence[Mark], start: int, end: int, scope: str) -> Cell:
    written = text[start:end]
    return Cell(
        tuple(pieces(text, marks, start, end)) if end > start else (),
        scope=scope if written else "",  # nothing is no head
        is_figure=_FIGURE.fullmatch(written) is not None,
        is_compared=any(each.kind == COMPARED for each in covers(marks, start, end)),
    )
