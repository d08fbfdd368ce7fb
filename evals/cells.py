"""The tables of TAT-QA as cells with a row's name and a year, and as the texts that hold them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Table = list[list[str]]

_YEAR: Final = re.compile(r"\b(?:19|20)\d{2}\b")
_NUMBER: Final = re.compile(r"\(?\s*-?\s*[$€£]?\s*\(?-?(\d[\d,]*(?:\.\d+)?)\s?%?\s*\)?\s?%?")
_NOTE: Final = re.compile(r"\s*\((?:\d+|note[^)]*|[a-z])\)|\*+", re.IGNORECASE)
_LABEL: Final = re.compile(r"[A-Za-z][A-Za-z ,/&'\u2019()-]{3,70}")
_NO_MONEY: Final = re.compile(
    r"\b(?:per|shares?|eps|rate|ratio|days|years|number|margin|volatility|yield|term|life|percent)\b|%",
    re.IGNORECASE,
)
_STATED: Final = {
    "thousand": re.compile(
        r"in\s(?:\w+\s){0,2}thousands|\(thousands|thousands\)|[$€£']000|\u2019000|000s",
        re.IGNORECASE,
    ),
    "million": re.compile(
        r"in\s(?:\w+\s){0,2}millions|\(millions|millions\)|[$€£]\s?m(?:illion)?\b|RMB.million",
        re.IGNORECASE,
    ),
    "billion": re.compile(r"in\s(?:\w+\s){0,2}billions|[$€£]\s?bn\b", re.IGNORECASE),
}
_CURRENCIES: Final = (("RMB", "RMB"), ("€", "€"), ("£", "£"), ("$", "$"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table: what row it is of, for which year, in percent or not."""

    row: str
    year: int
    value: Decimal
    written: str
    percent: bool


@dataclass(frozen=True)
class Ground:
    """A table with its paragraphs: what an answer is grounded in, and what can be asked of it."""

    uid: str
    table: Table
    paragraphs: tuple[str, ...]
    cells: tuple[Cell, ...]
    scale: str
    currency: str

    def same_row(self, cell: Cell) -> list[Cell]:
        """Return the cells of the same row for other years, that differ."""
        return [
            c
            for c in self.cells
            if c.row == cell.row and c.year != cell.year and abs(c.value) != abs(cell.value)
        ]

    def same_year(self, cell: Cell) -> list[Cell]:
        """Return the cells of other rows for the same year, that differ."""
        return [
            c
            for c in self.cells
            if c.row != cell.row
            and c.year == cell.year
            and c.percent == cell.percent
            and abs(c.value) != abs(cell.value)
        ]


def ground(row: Mapping[str, Any]) -> Ground:
    """Read one row of TAT-QA."""
    table: Table = row["table"]["table"]
    paragraphs = tuple(p["text"] for p in row["paragraphs"])
    text = json.dumps(table, ensure_ascii=False) + " ".join(paragraphs)
    scales = {q["scale"] for q in row["questions"]} & set(_STATED)
    stated = {scale for scale, pattern in _STATED.items() if pattern.search(text)}
    # what the annotators say counts where a passage says it too
    sure = scales & stated if scales else stated
    scale = next(iter(sure)) if len(sure) == 1 else ""
    currency = next((sign for mark, sign in _CURRENCIES if mark in text), "")
    if not scale and (stated or scales):
        currency = ""  # an amount of money without its scale would be wrong
    return Ground(row["table"]["uid"], table, paragraphs, tuple(_cells(table)), scale, currency)


def _cells(table: Table) -> Iterator[Cell]:
    years = next(
        (found for row in table if len(found := _years(row)) > 1 and not _LABEL.match(row[0])), {}
    )
    if len(set(years.values())) != len(years):
        return
    labels = [_NOTE.sub("", row[0]).strip(" :") for row in table]
    for row, label in zip(table, labels, strict=True):
        if not _LABEL.fullmatch(label) or labels.count(label) > 1 or _YEAR.search(label):
            continue
        for column, year in years.items():
            written = row[column].strip() if column < len(row) else ""
            match = _NUMBER.fullmatch(written)
            if _NO_MONEY.search(label) and "%" not in written:
                continue
            if match is None or _YEAR.fullmatch(match[1]) or len(match[1].strip("0.,")) == 1:
                continue
            value = Decimal(match[1].replace(",", ""))
            negative = "(" in written or "-" in written
            yield Cell(label, year, -value if negative else value, match[1], "%" in written)


def _years(row: Sequence[str]) -> dict[int, int]:
    found = {i: _YEAR.findall(cell) for i, cell in enumerate(row)}
    return {i: int(years[0]) for i, years in found.items() if len(years) == 1}


def _markdown(table: Table) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + " --- |" * len(table[0]), *lines[1:]])


def _lines(table: Table) -> str:
    """Return a page as PDF readers give it: each label and each value on a line of its own."""
    return "\n".join(cell.replace("$", "$\n") for row in table for cell in row if cell.strip())


def _sentences(table: Table) -> str:
    """Return rows as FinQA writes them: 'the X of 2019 is $ 5 ; the X of 2018 is $ 4 .'."""
    head = next((row for row in table if len(_years(row)) > 1), table[0])
    said = [row[0] for row in table if not any(row[1:]) and row[0]]
    notes = [c for row in table for c in row if any(p.search(c) for p in _STATED.values())]
    notes = notes[:1]
    for row in table:
        pairs = [(h, c) for h, c in zip(head[1:], row[1:], strict=False) if h.strip() and c.strip()]
        if row is not head and pairs:  # a total often has no name
            said.append(" ; ".join(f"the {row[0]} of {h} is {c}" for h, c in pairs) + " .")
    return "\n".join([*notes, *said])


RENDERINGS: Final[Mapping[str, Callable[[Table], str]]] = {
    "markdown": _markdown,
    "pipes": lambda table: "\n".join(" | ".join(row) for row in table),
    "tabs": lambda table: "\n".join("\t".join(row) for row in table),
    "json": lambda table: json.dumps(table, ensure_ascii=False),
    "semicolons": lambda table: "\n".join(" ; ".join(row) for row in table),
    "spaces": lambda table: "\n".join(" ".join(c for c in row if c.strip()) for row in table),
    "lines": _lines,
    "sentences": _sentences,
}
"""How a table may look within a passage."""
