"""Rows of tables that are said as sentences: 'the net sales of 2019 is $ 5 ; the net sales of …'.

Data sets and retrieval pipelines linearise tables so (FinQA does, Chen et al. 2021).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.validator.directions import says_minus
from services.validator.facts import Fact
from services.validator.figures import Figure
from services.validator.headings import without_notes
from services.validator.labels import stems
from services.validator.periods import amounts_of, dates_of, is_date

SPOKEN: Final = -2
"""The number of the table that all spoken rows are of."""

CHANGE: Final = re.compile(r"\b(?:change|variation|variance|increase|growth)\b", re.IGNORECASE)
"""What the head of a column of changes says."""
_ROW: Final = re.compile(r"\bthe\s{1,2}(?P<name>\S(?:.{0,250}\S)?)\sis\s", re.IGNORECASE)
_IS: Final = re.compile(r"\sis\s")


def is_spoken(sentence: str) -> bool:
    """Say whether a sentence is a table's row."""
    if " ; the" not in sentence and not sentence.rstrip().endswith(" ."):
        return False  # an ordinary sentence has its full stop at its last word
    match = _ROW.search(sentence)
    return match is not None and " of " in f" {match['name']}"


def spoken_facts(
    text: str, figures: Sequence[Figure], span: tuple[int, int], number: int
) -> Iterator[Fact]:
    """Return the facts of a spoken row: of each clause the figures behind its 'is'."""
    start = span[0]
    for clause in text[span[0] : span[1]].split(" ; "):
        end = start + len(clause)
        yield from _clause(
            text, [f for f in figures if start <= f.start < end], (start, end), number
        )
        start = end + len(" ; ")


def _clause(
    text: str, figures: Sequence[Figure], span: tuple[int, int], number: int
) -> Iterator[Fact]:
    clause = text[span[0] : span[1]]
    match = _ROW.search(clause)
    if match is None:
        return
    last = [m.start() for m in _IS.finditer(clause)][-1]
    begin, verb = span[0] + match.start("name"), span[0] + last
    name = text[begin:verb]
    if name.startswith("of "):
        name = f"Total {name}"  # what has no name is the total, by convention
    periods = frozenset(
        dates_of(figure)[0]
        for figure in figures
        if is_date(figure) and begin <= figure.start < verb
    )
    heading = stems(clause[: match.start()])
    said = [figure for figure in figures if figure.start >= verb]
    for figure in said:
        amounts = () if is_date(figure) else amounts_of(figure)
        if figure.bracketed and figure is said[0]:  # here brackets are a minus sign
            amounts = tuple(amount for amount in amounts if amount.value <= 0)
        yield Fact(
            figure,
            amounts,
            stems(without_notes(name)) or heading,
            heading,
            frozenset(dates_of(figure)) if is_date(figure) else periods,
            (text, SPOKEN, number),
            " ".join(name.split()),
            is_cell=True,
            row_named=True,
            row_lowers=says_minus(name),
            is_change=CHANGE.search(name.rpartition(" of ")[2]) is not None,
            start=figure.start,
        )
