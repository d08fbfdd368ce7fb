"""The values of a table's cells: which amounts a written number is under its row and column."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from services.validator.columns import Column
from services.validator.figures import Figure, read_cell
from services.validator.grid import Cell
from services.validator.headings import plain
from services.validator.periods import amounts_of, is_date
from services.validator.quantities import Amount
from services.validator.scales import TableScale
from services.validator.units import COUNT, CURRENCY_CODES, PERCENT

_PER: Final = re.compile(
    r"\b(?:per|ratio|number of|shares?|percent(?:age)?|rate|employees|years|days|margin)\b|%",
    re.IGNORECASE,
)
_RATE: Final = re.compile(r"%|\bpercent", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[^\W\d_]")
_FEW_LETTERS: Final = 3
_TIMES: Final = re.compile(
    r"\d+(?:\s?[-\u2013]\s?\d+)?\s(?:weeks|months|days|years)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Money:
    """What a table says of its numbers: the scale, whether that is certain, and the currency.

    `percent`: some of its values are percentages and none is money, so that any may be one.
    """

    scale: TableScale | None
    certain: bool
    currency: str | None
    percent: bool = False


def is_number(cell: Cell) -> bool:
    """Say whether a cell is a value; 'Less than 1 year' is a head."""
    text = plain(cell.text)
    figures = [f for f in read_cell(text) if not is_date(f) and f.readings]
    if not figures:
        return False
    rest = len(_LETTERS.findall(text)) - sum(len(_LETTERS.findall(f.text)) for f in figures)
    return rest <= _FEW_LETTERS


def is_head(cell: Cell) -> bool:
    """Say whether a cell can be a head: no value, or a span of time such as '53 weeks'."""
    return not is_number(cell) or _TIMES.fullmatch(cell.text) is not None


def is_mixed(cells: Sequence[Cell]) -> bool:
    """Say whether a row has positive and negative values, so that their signs say something."""
    signs = {
        amount.value > 0
        for cell in cells
        for figure in read_cell(cell.text)
        for amount in amounts_of(figure)
        if amount.value and amount.unit != PERCENT
    }
    return len(signs) > 1


def currency_of(cells: Sequence[Cell], named: frozenset[str]) -> str | None:
    """Return the currency of a table: that of its first cell with one, or the only one named."""
    for cell in cells:
        for figure in read_cell(cell.text):
            for amount in amounts_of(figure):
                if amount.unit in CURRENCY_CODES:
                    return amount.unit
    codes = named & CURRENCY_CODES
    return next(iter(codes)) if len(codes) == 1 else None


# a row's cells have one label
@lru_cache(maxsize=256)
def _is_per(label: str) -> bool:
    return _PER.search(label) is not None


@lru_cache(maxsize=256)
def _is_rate(label: str) -> bool:
    return _RATE.search(label) is not None


def cell_amounts(figure: Figure, label: str, column: Column, money: Money) -> Iterator[Amount]:
    """Return what a cell's number may be, the unscaled readings first.

    `label`: the words of its row and section, which may say that it is a rate or per share.
    """
    scale, certain = (column.scale, True) if column.scale else (money.scale, money.certain)
    per, rate = _is_per(label), _is_rate(label)
    for amount in amounts_of(figure):
        if amount.unit is None and (money.percent or rate or PERCENT in column.units):
            yield Amount(amount.value, PERCENT)
            if PERCENT in column.units:
                continue
        if amount.unit not in {None, *CURRENCY_CODES}:
            yield amount
            continue
        unit = amount.unit or min(column.units & CURRENCY_CODES, default=None) or money.currency
        if scale is None or figure.factor != 1:
            yield Amount(amount.value, unit if amount.unit or not per else None)
            continue
        excepted = scale.exceptions and per
        unscaled = excepted or not certain or (per and "." in figure.text)
        # '3,200' of a table in millions is no $3,200, but may be 3,200 of something
        yield Amount(amount.value, unit if unscaled else COUNT)
        if not (excepted and "." in figure.text):
            yield Amount(amount.value * scale.factor, unit)
