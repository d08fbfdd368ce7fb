"""What the sentences of a passage say: each figure with the words next to it and its period."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.validator.facts import Fact
from services.validator.figures import Figure, read_figures
from services.validator.labels import read_stems
from services.validator.periods import Periods, amounts_of, assign, is_date
from services.validator.quantities import Amount
from services.validator.scales import TableScale
from services.validator.sentences import Sentence, bounded, sentences
from services.validator.spoken import is_spoken, spoken_facts
from services.validator.units import CURRENCY_CODES


def prose_facts(
    text: str,
    skipped: Sequence[tuple[int, int]] = (),
    scale: TableScale | None = None,
) -> Iterator[Fact]:
    """Return the facts that the sentences of a text say, without those in `skipped` stretches.

    `scale`: one that another passage states, for rows of tables that are said as sentences.
    """
    figures = [
        figure
        for figure in read_figures(text).figures
        if not (skipped and _within(figure, skipped)) and not _is_footnote(text, figure)
    ]
    position = 0
    for number, sentence in enumerate(_pieces(text)):
        inside = []
        while position < len(figures) and figures[position].start < sentence.end:
            inside.append(figures[position])
            position += 1
        if not inside:
            continue
        span = sentence.start, sentence.end
        if is_spoken(sentence.text):
            if scale:
                inside = [_scaled(figure, scale) for figure in inside]
            yield from spoken_facts(text, inside, span, number)
        else:
            yield from _said(text, inside, span, (text, -1, number))


_FOOTNOTE: Final = re.compile(r"\(\d{1,2}\)")
_TOKENISED: Final = re.compile(r"(?<=\s\.)\s+")
"""The end of a sentence in a text whose words and marks were spaced out ('is $ 5 .')."""
_SPACED_STOP: Final = re.compile(r"\.(?<=\s\.)\s")
"""What there is at such an end, found fast."""


def _pieces(text: str) -> Iterator[Sentence]:
    tokenised = _SPACED_STOP.search(text) is not None
    for sentence in sentences(text):
        if not tokenised:
            yield from bounded(sentence)
            continue
        start = 0
        ends = [match.end() for match in _TOKENISED.finditer(sentence.text)]
        for end in [*ends, len(sentence.text)]:
            if end > start:
                yield from bounded(
                    Sentence(sentence.text[start:end], sentence.start + start, sentence.start + end)
                )
            start = end


def _scaled(figure: Figure, scale: TableScale) -> Figure:
    amounts = amounts_of(figure)
    more = (
        Amount(amount.value * scale.factor, amount.unit)
        for amount in amounts
        if len({abs(a.value) for a in amounts}) == 1  # else its own passage states one
        and amount.unit in {None, *CURRENCY_CODES}
        and figure.factor == 1
    )
    return figure._replace(readings=tuple(dict.fromkeys((*figure.readings, *more))))


def _is_footnote(text: str, figure: Figure) -> bool:
    return bool(_FOOTNOTE.fullmatch(figure.text)) and not text.endswith("is ", 0, figure.start)


def _within(figure: Figure, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= figure.start < end for start, end in spans)


def _said(
    text: str, figures: Sequence[Figure], span: tuple[int, int], row: tuple[str, int, int]
) -> Iterator[Fact]:
    sentence = text[span[0] : span[1]]
    times = _Times(sentence, figures, span[0])
    context = read_stems(sentence)  # kept with the facts
    arounds = surroundings(text, figures, span)
    for figure, around in zip(figures, arounds, strict=True):
        yield Fact(
            figure,
            () if is_date(figure) else amounts_of(figure),
            read_stems(around) or context,
            context,
            times,
            row,
            around.strip(" ,.;:()"),
            is_cell=False,
            start=figure.start,
        )


@dataclass(slots=True)
class _Times:
    """For which periods the figures of a sentence are, once anyone asks of one of them."""

    sentence: str
    figures: Sequence[Figure]
    offset: int
    _found: list[Periods] | None = None

    def of(self, figure: Figure) -> Periods:
        """Return the periods of one of the figures."""
        if self._found is None:
            self._found = assign(self.sentence, self.figures, self.offset)
        return self._found[self.figures.index(figure)]


def surroundings(text: str, figures: Sequence[Figure], span: tuple[int, int]) -> list[str]:
    """Return for each figure of a sentence the words between the figures next to it.

    Dates are skipped over: 'sales in 2019 were 5' is about sales.
    """
    starts, start = [], span[0]
    ends, end = [], span[1]
    for figure in figures:
        starts.append(start)
        if not is_date(figure):
            start = figure.end
    for figure in reversed(figures):
        ends.append(end)
        if not is_date(figure):
            end = figure.start
    return [
        f"{_last_clause(text[start : f.start])} {_first_clause(text[f.end : end])}"
        for f, start, end in zip(figures, starts, reversed(ends), strict=True)
    ]


def _last_clause(text: str) -> str:
    for mark in ("; ", " while ", " whereas ", " but "):
        if mark in text:
            text = text.rpartition(mark)[2]
    return text


def _first_clause(text: str) -> str:
    for mark in ("; ", ", ", " while ", " whereas ", " but ", " and ", " compared ", " from "):
        if mark in text:
            text = text.partition(mark)[0]
    return text
