"""A figure of a passage and what it is: of what, for when, in which row."""

from dataclasses import dataclass

from services.validator.periods import Periods
from services.validator.quantities import Amount


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of a passage and its place in the world.

    `amounts` are its possible readings (none: it is a date, which is then its only period).
    `words` say what it is of, `context` what surrounds it. `row` tells the facts of one table row
    (or one sentence) from others; `label` is the row's name as written. `direction`: the sentence
    says that it is the size of a rise (1) or fall (-1). `is_change`: its column is one of changes.
    `signed`: its row has values of both signs. `row_named`: its row has a name. `start`: where it
    stands in its passage, which is `row[0]`; -1 where nobody noted it.
    """

    written: str
    amounts: tuple[Amount, ...]
    words: frozenset[str]
    context: frozenset[str]
    periods: Periods
    row: tuple[int, int, int]
    label: str
    is_cell: bool
    lowers: bool = False
    direction: int = 0
    is_change: bool = False
    row_named: bool = False
    signed: bool = False
    start: int = -1
