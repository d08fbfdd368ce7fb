"""What an answer claims of each of its figures: of what, for when, which way."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from services.validator.dates import Date
from services.validator.directions import direction
from services.validator.figures import Figure, read_figures
from services.validator.labels import Query, stems
from services.validator.periods import Periods, amounts_of, assign, dates_of, is_date
from services.validator.prose import surroundings
from services.validator.quantities import Amount
from services.validator.scales import TableScale, stated_scale
from services.validator.sentences import Sentence, bounded, sentences
from services.validator.units import CURRENCY_CODES


@dataclass(eq=False)  # not frozen: one is made for each figure; no two are the same
class Claim:
    """One figure of the answer and what is said of it.

    `readings`: the amounts it may be, each with the worth of its last digit. `periods`: as its
    sentence has it; `asked`: the question's, for a sentence that names none; `spoken`: all dates
    of the sentence. `clause`: the words next to it. `around`: the stems of its sentence, of the
    question and of the sentence before, each with its weight. `offset`: where the sentence starts
    in the answer. `bare`: the answer has no words, or none that say what its figures are, so the
    question must; `wordless`: it has none at all, and leaves the unit to the table. `in_working`:
    it stands beside an operator. `has_amounts`: the sentence has others than dates.
    """

    figure: Figure
    readings: tuple[tuple[Amount, Decimal], ...]
    periods: Periods
    asked: Periods
    spoken: Periods
    clause: str
    around: tuple[tuple[frozenset[str], float], ...]
    sentence: str
    offset: int
    question: str
    bare: bool
    wordless: bool
    in_working: bool
    has_amounts: bool

    # these two are asked of few: most figures stand in a sentence that a passage has as it is

    @cached_property
    def query(self) -> Query:
        """What it is about: the words next to it, and those around with less weight."""
        words = frozenset[str]() if self.bare else stems(self.clause)
        return Query.of((words, 1.0), *self.around)

    @cached_property
    def direction(self) -> int:
        """1 or -1 where it is the size of a rise or a fall, else 0."""
        figure = self.figure
        return direction(figure.source, figure.start, figure.end)

    @cached_property
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
_NEAR: Final = 15
_QUESTION: float = 0.35
_SENTENCE: float = 0.5
_BEFORE: float = 0.2
_HEADING: float = 0.6
"""What stands above a line without words of its own: '2017: $155 million'."""


_EMPTY: Final = stems(
    "answer result figure value increase decrease rise decline drop difference change average mean"
    " sum ratio equals calculated computed therefore thus so it is"
)
"""Words that say nothing of what a figure is: 'The answer is 35 million.', 'An increase of 5%.'"""


def claims_of(question: str, answer: str) -> Iterator[Claim]:
    """Return what an answer claims, figure by figure."""
    figures = [
        figure for figure in read_figures(answer).figures if not _POINT.match(answer, figure.start)
    ]
    asked_words, asked_scale = stems(question), stated_scale(question)
    asked = frozenset(
        date for figure in read_figures(question).figures for date in dates_of(figure)
    )
    own_words = {word for word in stems(answer) if not word.isdigit()}
    alone = own_words <= _EMPTY
    position = 0
    earlier: frozenset[str] = frozenset()
    for sentence in _lines(answer):
        inside: list[Figure] = []
        while position < len(figures) and figures[position].start < sentence.end:
            inside.append(figures[position])
            position += 1
        words = frozenset[str]() if alone else stems(sentence.text)
        if inside:
            periods = assign(sentence.text, inside, sentence.start)
            spoken = frozenset(date for figure in inside for date in dates_of(figure))
            clauses = surroundings(answer, inside, (sentence.start, sentence.end))
            around = (
                (words, _SENTENCE),
                (asked_words, _QUESTION),
                (earlier, _BEFORE if words else _HEADING),
            )
            has_amounts = not all(map(is_date, inside))
            for index, (figure, clause) in enumerate(zip(inside, clauses, strict=True)):
                yield Claim(
                    figure,
                    () if is_date(figure) else tuple(_readings(figure, answer, asked_scale)),
                    periods[index],
                    asked,
                    spoken,
                    clause,
                    around,
                    sentence.text,
                    sentence.start,
                    question,
                    bare=alone,
                    wordless=not own_words,
                    in_working=_is_operand(answer, figure),
                    has_amounts=has_amounts,
                )
        earlier = words or earlier


def _lines(answer: str) -> Iterator[Sentence]:
    """Return the sentences of an answer; a line break ends one, as answers are not wrapped."""
    for sentence in sentences(answer):
        start = sentence.start
        for line in sentence.text.splitlines(keepends=True):
            if line.strip():
                first = start + len(line) - len(line.lstrip())
                yield from bounded(Sentence(line.strip(), first, first + len(line.strip())))
            start += len(line)


_OPERATOR: Final = re.compile(r"\s{0,2}\)?\s{0,2}[+*/\u00d7\u00f7]|\s[-\u2212\u2013]\s")
_OPERATED: Final = re.compile(r"(?:[+*/\u00d7\u00f7]\s?\(?|\s[-\u2212\u2013]\s\(?)[$€£]?\Z")


def _is_operand(answer: str, figure: Figure) -> bool:
    """Say whether a figure is computed with in the answer's own working."""
    before = answer[max(0, figure.start - 5) : figure.start]
    return bool(_OPERATOR.match(answer, figure.end) or _OPERATED.search(before))


def _readings(
    figure: Figure, answer: str, scale: TableScale | None
) -> Iterator[tuple[Amount, Decimal]]:
    """Return what a figure may be, each with what its last written digit is worth.

    One before '(in thousands)' may be so many thousands, as a bare '3,215' may be millions that
    answers 'how much, in USD millions?'.
    """
    for amount in amounts_of(figure):
        step = Decimal(1).scaleb(int(amount.value.as_tuple().exponent)) * figure.factor
        yield amount, step
        near = stated_scale(answer[figure.end : figure.end + _NEAR]) or scale
        if near and figure.factor == 1 and amount.unit in {None, *CURRENCY_CODES}:
            plain = amount.value.normalize()  # '4.60' in billions is 4.6, and '303.00' is 303
            digits = min(0, int(plain.as_tuple().exponent))
            yield Amount(plain * near.factor, amount.unit), Decimal(1).scaleb(digits) * near.factor


def significant(amount: Amount) -> int:
    """Return how many digits of an amount say something."""
    return len(amount.value.normalize().as_tuple().digits)
