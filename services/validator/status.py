"""What can become of a figure of an answer, and what is found out about one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.validator.facts import Fact


class Status(StrEnum):
    """What became of one figure of an answer. The names are stable: models are fitted on them."""

    EXACT = "exact"
    """It stands in a passage, under the period, row, unit and sign that the answer gives it."""
    DERIVED = "derived"
    """It is computed rightly from figures that stand there."""
    ASKED = "asked"
    """It only repeats the question."""
    ELSEWHERE_PERIOD = "elsewhere_period"
    """It stands there for another year, quarter or date."""
    ELSEWHERE_ROW = "elsewhere_row"
    """It stands there for something else: another row, column or subject."""
    UNIT = "unit"
    """It stands there in another unit or currency."""
    SIGN = "sign"
    """It stands there with the other sign: a loss for a profit, a rise for a fall."""
    SCALE = "scale"
    """Its digits stand there in another scale: millions for billions, percent for basis points."""
    ABSENT = "absent"
    """It stands nowhere, and nothing that the answer names gives it."""
    UNREADABLE = "unreadable"
    """It cannot be read as a number or date, and does not stand there literally."""

    @property
    def is_right(self) -> bool:
        """Say whether a figure of this status is supported."""
        return self in _RIGHT


_RIGHT: Final = frozenset({Status.EXACT, Status.DERIVED, Status.ASKED})


@dataclass(frozen=True, slots=True)
class FigureFinding:
    """What was found out about the figure at `start` to `end` of the answer's text.

    `confidence`, 0 to 1: how sure the status is; a figure whose words match its row is surer than
    one that merely stands somewhere. `reason`: why, in words for a reviewer; '' for a right one
    that needs none. `fact`: what of the passages it was held against, where it is one figure.
    `nearness`, 0 to 1: how near the passages come to it; between two of one status it decides. Of
    dates and names it is 1 where they are right, else 0.
    """

    text: str
    start: int
    end: int
    status: Status
    confidence: float
    reason: str = ""
    fact: Fact | None = None
    nearness: float = 1.0
