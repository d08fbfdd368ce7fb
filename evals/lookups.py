"""Pairs about single cells of TAT-QA's tables: scale, sign, year, unit, currency, digits, row."""

import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Final

from evals.cells import Cell, Ground, ground
from evals.pairs import Edit, Pair, paired, transposed

_SAYS_MINUS: Final = re.compile(
    r"(?i)\b(?:loss|losses|expenses?|costs?|charges?|less|decrease|decline|tax|taxes|paid|payments?"
    r"|purchases?|repurchases?|expenditures?|dividends?|used|impairment|allowance|outflow|additions"
    r"|amortization|depreciation|repayments?)\b"
)
_OTHER_SCALE: Final = {"thousand": "million", "million": "billion", "billion": "million"}
_LOOKUPS: Final = (
    "{row} was {v} in {year}.",
    "In {year}, {row} amounted to {v}.",
    "In fiscal {year} the company reported {row} of {v}.",
    "{row} for {year}: {v}.",
    "According to the table, {row} came to {v} for the year {year}.",
)
_BASIS: Final = ((" percent", " basis points"), ("%", " bps"), ("%", " basis points"))


def lookup_pairs(row: Mapping[str, Any], seed: int = 7) -> Iterator[Pair]:
    """Return the pairs of one TAT-QA row: up to three for each kind of edit."""
    it = ground(row)
    random = Random(f"{seed} {it.uid}")  # noqa: S311 - no secret, but the same pairs every time
    cells = list(it.cells)
    random.shuffle(cells)
    for make in (_scale, _sign, _year, _basis, _currency, _digits, _row):
        made = 0
        for cell in cells:
            pair = make(it, cell, random)
            if pair is not None:
                yield paired(it, make.__name__.strip("_"), pair, random)
                made += 1
            if made == 3:  # noqa: PLR2004 - a table counts no more than this
                break


def _said(cell: Cell, amount: str, random: Random, *, row: str = "", year: int = 0) -> str:
    template = random.choice(_LOOKUPS)
    return template.format(row=row or cell.row, year=year or cell.year, v=amount)


def amount_of(it: Ground, cell: Cell, written: str = "", *, negative: bool | None = None) -> str:
    """Return a cell's value as a sentence writes it, or other digits in its place."""
    digits = written or cell.written
    if cell.percent:
        text = f"{digits}%"
    else:
        text = f"{it.currency}{digits}" + (f" {it.scale}" if it.scale else "")
    return f"-{text}" if (cell.value < 0 if negative is None else negative) else text


def _asked(cell: Cell) -> str:
    return f"What was {cell.row} in {cell.year}?"


def _twins(cell: Cell, right: str, wrong: str, random: Random) -> Edit:
    if random.random() < 0.2:  # noqa: PLR2004 - some answers are no sentences
        return Edit(right, wrong, _asked(cell))
    state = random.getstate()
    first = _said(cell, right, random)
    random.setstate(state)
    return Edit(first, _said(cell, wrong, random), _asked(cell))


def _scale(it: Ground, cell: Cell, random: Random) -> Edit | None:
    if not it.scale or cell.percent:
        return None
    right = amount_of(it, cell)
    return _twins(cell, right, right.replace(it.scale, _OTHER_SCALE[it.scale]), random)


def _sign(it: Ground, cell: Cell, random: Random) -> Edit | None:
    if _SAYS_MINUS.search(cell.row):
        return None  # 'the loss was 5' is true of a loss of (5)
    if cell.value == 0 or (cell.value > 0 and random.random() < 0.7):  # noqa: PLR2004 - mostly losses
        return None
    return _twins(cell, amount_of(it, cell), amount_of(it, cell, negative=cell.value > 0), random)


def _year(it: Ground, cell: Cell, random: Random) -> Edit | None:
    others = it.same_row(cell)
    if not others:
        return None
    amount, state = amount_of(it, cell), random.getstate()
    right = _said(cell, amount, random)
    random.setstate(state)
    other = others[0].year
    wrong = _said(cell, amount, random, year=other)
    return Edit(right, wrong, f"What was {cell.row}?")


def _basis(it: Ground, cell: Cell, random: Random) -> Edit | None:
    if not cell.percent:
        return None
    percent, points = random.choice(_BASIS)
    right = amount_of(it, cell)
    return _twins(cell, right.replace("%", percent), right.replace("%", points), random)


def _currency(it: Ground, cell: Cell, random: Random) -> Edit | None:
    if cell.percent or not it.currency:
        return None
    other = random.choice([sign for sign in ("$", "€", "£") if sign != it.currency])
    right = amount_of(it, cell)
    return _twins(cell, right, right.replace(it.currency, other), random)


def _digits(it: Ground, cell: Cell, random: Random) -> Edit | None:
    wrong = transposed(cell.written, [c.written for c in it.cells], random)
    return _twins(cell, amount_of(it, cell), amount_of(it, cell, wrong), random) if wrong else None


def _row(it: Ground, cell: Cell, random: Random) -> Edit | None:
    others = it.same_year(cell)
    if not others:
        return None
    return _twins(cell, amount_of(it, cell), amount_of(it, random.choice(others)), random)
