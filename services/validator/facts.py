"""A figure of a passage and what it is: of what, for when, in which row."""

from dataclasses import dataclass
from typing import Protocol

from services.validator.directions import direction
from services.validator.figures import Figure
from services.validator.periods import Periods
from services.validator.quantities import Amount


class Times(Protocol):
    """What tells for which periods figures are."""

    def of(self, figure: Figure) -> Periods:
        """Return the periods of a figure."""


@dataclass(slots=True, eq=False)  # not frozen: a hundred are made for an answer
class Fact:
    """A figure of a passage and its place in the world; no two are the same.

    `amounts` are its possible readings (none: it is a date, which is then its only period).
    `words` say what it is of, `context` what surrounds it. `row` tells the facts of one table row
    (or one sentence) from others: its passage, and the numbers of its table and of itself; `label`
    is the row's name as written. `row_lowers`: that name says that it is a loss or a cost.
    `is_change`: its column is one of changes. `signed`: its row has values of both signs.
    `row_named`: its row has a name. `times`: its periods, or what tells them. `start`: where it
    stands in its passage, -1 where nobody noted it.
    """

    figure: Figure
    amounts: tuple[Amount, ...]
    words: frozenset[str]
    context: frozenset[str]
    times: Periods | Times
    row: tuple[str, int, int]
    label: str
    is_cell: bool
    row_lowers: bool = False
    is_change: bool = False
    row_named: bool = False
    signed: bool = False
    start: int = -1

    @property
    def periods(self) -> Periods:
        """The periods that it is for; found when they are first asked for: of most nobody asks."""
        if not isinstance(self.times, frozenset):
            self.times = self.times.of(self.figure)
        return self.times

    @property
    def written(self) -> str:
        """The figure as the passage writes it."""
        return self.figure.text

    @property
    def lowers(self) -> bool:
        """Say whether its row or the words around it make it a loss, as a minus sign would."""
        return self.row_lowers or self.figure.lowers

    @property
    def direction(self) -> int:
        """1 or -1 where a sentence says that it is the size of a rise or a fall, else 0."""
        figure = self.figure
        return 0 if self.is_cell else direction(figure.source, figure.start, figure.end)
