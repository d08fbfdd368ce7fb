"""An item as it is read: each claim with its quote, each quote in its passage, each check's words.

Pure. Everything shown is of the item itself; nothing is looked up, so what a person reads is what
the decision's payload hash covers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.item import Item
from services.review.web.marks import COMPARED, FLAG, QUOTE, Mark, Piece, find, pieces
from services.review.web.tables import Block, blocks
from shared.events import Answer, AnswerChecked, Citation, Passage, Verdict

SAYS: Final = {"passed": "passed", "failed": "failed", "could_not_check": "could not check"}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the answer, and the numbers of the quotes that it rests on, from 1."""

    pieces: tuple[Piece, ...]
    quotes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """A citation, and whether its words were found in a passage."""

    number: int
    citation: Citation
    passage: int | None
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage in blocks."""

    number: int
    passage: Passage
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, and the words of the answer that it is about."""

    verdict: Verdict
    says: str
    about: tuple[str, ...]
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """All of it."""

    parts: tuple[Part, ...]
    quotes: tuple[Quote, ...]
    passages: tuple[Shown, ...]
    checks: tuple[Check, ...]


def read(item: Item) -> Reading:
    """Return an item as it is read."""
    checked = item.checked
    answer = checked.answer
    places = _places(answer, checked.passages)
    parts = () if answer is None else tuple(_parts(answer, checked))
    return Reading(
        parts=parts,
        quotes=tuple(
            Quote(
                number,
                citation,
                None if place is None else place[0],
                tuple(at for at, part in enumerate(parts, 1) if number in part.quotes),
            )
            for number, (citation, place) in enumerate(
                zip(answer.citations if answer else (), places, strict=True), 1
            )
        ),
        passages=tuple(
            Shown(number, passage, tuple(blocks(passage.text, _marks(number, checked, places))))
            for number, passage in enumerate(checked.passages, 1)
        ),
        checks=(
            *(_check(each, answer, trial=False) for each in checked.checks),
            *(_check(each, answer, trial=True) for each in checked.shadow_checks),
        ),
    )


_Place = tuple[int, int, int]
"""Number of a passage, and where in its text a quote begins and ends."""


def _places(answer: Answer | None, passages: Sequence[Passage]) -> list[_Place | None]:
    return [_place(citation, passages) for citation in (answer.citations if answer else ())]


def _place(citation: Citation, passages: Sequence[Passage]) -> _Place | None:
    for number, passage in enumerate(passages, 1):
        if (passage.document_id, passage.locator) != (citation.document_id, citation.locator):
            continue
        if (span := find(passage.text, citation.quote)) is not None:
            return number, *span
    return None


def _marks(number: int, checked: AnswerChecked, places: Sequence[_Place | None]) -> list[Mark]:
    found = [
        Mark(place[1], place[2], QUOTE, str(quote))
        for quote, place in enumerate(places, 1)
        if place is not None and place[0] == number
    ]
    passage = checked.passages[number - 1]
    for verdict in checked.checks:
        for each in verdict.compared:
            if (each.document_id, each.locator) != (passage.document_id, passage.locator):
                continue
            if passage.text[each.start : each.end] == each.text:
                found.append(Mark(each.start, each.end, COMPARED, each.figure))
    return found


def _parts(answer: Answer, checked: AnswerChecked) -> Iterator[Part]:
    """Cut the answer at its claims; the words that checks are about are marked within."""
    flags = [
        Mark(span.start, span.end, FLAG, f"{verdict.name}: {SAYS[verdict.verdict]}")
        for verdict in checked.checks
        if verdict.verdict != "passed"
        for span in verdict.spans
    ]
    at = 0
    for start, end, quotes in sorted(_claims(answer, checked)):
        if start < at:  # a claim within another: the first has its words
            continue
        if at < start:
            yield Part(tuple(pieces(answer.text, flags, at, start)))
        yield Part(tuple(pieces(answer.text, flags, start, end)), quotes)
        at = end
    if at < len(answer.text):
        yield Part(tuple(pieces(answer.text, flags, at)))


def _claims(answer: Answer, checked: AnswerChecked) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Return where each claim stands; an answer without claims rests where it repeats a quote."""
    if checked.claims:
        for claim in checked.claims:
            if (span := find(answer.text, claim.text)) is not None:
                yield *span, tuple(each + 1 for each in claim.citations)
        return
    for number, citation in enumerate(answer.citations, 1):
        if (span := find(answer.text, citation.quote)) is not None:
            yield *span, (number,)


def _check(verdict: Verdict, answer: Answer | None, *, trial: bool) -> Check:
    text = "" if answer is None else answer.text
    about = (text[span.start : span.end] for span in verdict.spans)
    return Check(verdict, SAYS[verdict.verdict], tuple(each for each in about if each), trial)
