"""A table as it is written: lines of cells, before anything in it is understood."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one cell and where it starts; empty where the table has nothing."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what its first column says, and the other columns.

    `placed`: the n-th cell is certainly of the n-th column; else cells may be missing.
    """

    label: Cell
    cells: tuple[Cell, ...]
    placed: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """One table from `start` to `end` of its text."""

    lines: tuple[Line, ...]
    start: int
    end: int
