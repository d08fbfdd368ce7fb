"""What an answer claims of each of its figures: of what, for when, which way."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.validator.dates import Date
from services.validator.directions import direction
from services.validator.figures import Figure, read_figures
from services.validator.labels import Query, stems
from services.validator.periods import Periods, amounts_of, assign, dates_of, is_date
from services.validator.prose import surroundings
from services.validator.quantities import Amount
from services.validator.scales import TableScale, stated_scale
from services.validator.sentences import sentences
from services.validator.units import CURRENCY_CODES


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure of the answer and what is said of it.

    `periods`: as its sentence has it; `asked`: the question's, where the sentence names none.
    `spoken`: all dates of the sentence. `clause`: the words next to it. `offset`: where the
    sentence starts in the answer. `bare`: the sentence has no words of its own, so the
    question must say what it is. `readings`: the amounts it may be, each with the worth of its last
    digit. `has_amounts`: the sentence has others than dates.
    """

    figure: Figure
    readings: tuple[tuple[Amount, Decimal], ...]
    query: Query
    periods: Periods
    asked: Periods
    spoken: Periods
    clause: str
    sentence: str
    offset: int
    question: str
    direction: int
    bare: bool
    has_amounts: bool

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """The amounts it may be; none for a date."""
        return tuple(amount for amount, _ in self.readings)

    @property
    def dates(self) -> tuple[Date, ...]:
        """The dates it may be; none for an amount."""
        return dates_of(self.figure)

    @property
    def when(self) -> Periods:
        """The period it is for, by the sentence or else by the question."""
        return self.periods or self.asked


_POINT: Final = re.compile(r"\(\d\)\s(?!in\b|for\b|at\b|as\b|during\b|and\b)[^\W\d_]")
"""The marker of a point within a sentence: '(1) prices rose and (2) costs fell'."""
_QUESTION: float = 0.35
_SENTENCE: float = 0.5
_BEFORE: float = 0.2


def claims_of(question: str, answer: str) -> Iterator[Claim]:
    """Return what an answer claims, figure by figure."""
    figures = [
        figure
        for figure in read_figures(answer).figures
        if not _POINT.match(answer, figure.start)
    ]
    asked_words, asked_scale = stems(question), stated_scale(question)
    asked = frozenset(
        date for figure in read_figures(question).figures for date in dates_of(figure)
    )
    position = 0
    earlier: frozenset[str] = frozenset()
    for sentence in sentences(answer):
        inside: list[Figure] = []
        while position < len(figures) and figures[position].start < sentence.end:
            inside.append(figures[position])
            position += 1
        words = stems(sentence.text)
        if inside:
            periods = assign(sentence.text, inside, sentence.start)
            spoken = frozenset(date for figure in inside for date in dates_of(figure))
            for index, figure in enumerate(inside):
                clause = surroundings(answer, inside, index, (sentence.start, sentence.end))
                yield Claim(
                    figure,
                    () if is_date(figure) else tuple(_readings(figure, asked_scale)),
                    Query.of(
                        (stems(clause), 1.0),
                        (words, _SENTENCE),
                        (asked_words, _QUESTION),
                        (earlier, _BEFORE),
                    ),
                    periods[index],
                    asked,
                    spoken,
                    clause,
                    sentence.text,
                    sentence.start,
                    question,
                    direction(answer, figure.start, figure.end),
                    bare=not words,
                    has_amounts=not all(map(is_date, inside)),
                )
        earlier = words


def _readings(
    figure: Figure, scale: TableScale | None
) -> Iterator[tuple[Amount, Decimal]]:
    """Return what a figure may be, each with what its last written digit is worth.

    A bare '3,215' that answers 'how much, in USD millions?' may be that many millions.
    """
    for amount in amounts_of(figure):
        step = Decimal(1).scaleb(int(amount.value.as_tuple().exponent)) * figure.factor
        yield amount, step
        if scale and figure.factor == 1 and amount.unit in {None, *CURRENCY_CODES}:
            plain = amount.value.normalize()  # '4.60' in billions is 4.6, and '303.00' is 303
            digits = min(0, int(plain.as_tuple().exponent))
            yield Amount(plain * scale.factor, amount.unit), Decimal(1).scaleb(digits) * scale.factor


def significant(amount: Amount) -> int:
    """Return how many digits of an amount say something."""
    return len(amount.value.normalize().as_tuple().digits)


def is_bare(claims: Sequence[Claim]) -> bool:
    """Say whether an answer is figures only."""
    return all(claim.bare for claim in claims)
