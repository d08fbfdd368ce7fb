"""How well each quotable segment of some passages answers a question, between 0 and about 1.

A concept of the question counts by how rare it is among the segments, fully where the segment
itself names it, and in part where its heading, its document's title or the rest of its passage
does. A concept that is nowhere counts most and is covered by nothing, so that what the documents
do not mention stays unanswered. What the question wants (a figure, a time, a name, a reason) and
the periods that it names weigh in.

The constants were set on public analysts' questions on filings; none is about any one document.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from services.inference.question import Concept, Kind, Question
from services.inference.segments import Segment, Span, cut
from services.inference.tokens import tokens, words
from shared.events import Passage

_NEAR: Final = 0.8
_TITLE: Final = 0.7
_PASSAGE: Final = 0.35
_ADJACENT_BONUS: Final = 0.15
_RANK_PENALTY: Final = 0.01
_LOWEST_RANK: Final = 0.8
_SHORT_QUESTION: Final = 2
_ONE_OF_TWO: Final = 0.6
_NAMES_MISSING: Final = 0.45
_YEAR_ELSEWHERE: Final = 0.9
_YEAR_NOWHERE: Final = 0.38
_LONGEST_QUOTE: Final = 1_200  # characters
_PASSAGES_KEPT: Final = 256  # one of 2,000 characters takes some 60 KiB

_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_SIGNS: Final[dict[Kind, tuple[re.Pattern[str], float]]] = {
    "figure": (re.compile(r"\d"), 0.6),
    "time": (
        re.compile(
            rf"\b(?:19|20)\d\d\b|\b(?:{_MONTHS})[a-z]*\b|\d\d?:\d\d|"
            r"\b(?:minute|hour|day|week|month|quarter|year)s?\b",
            re.IGNORECASE,
        ),
        0.7,
    ),
    "name": (re.compile(r"[^.\s]\s+[A-Z][a-z]|\b[Aa]ny(?:one|body)?\b|\b(?:by|for) the\b"), 0.85),
    "reason": (
        re.compile(
            r"\b(?:because|due to|driven|owing to|as a result|result(?:ed|ing) (?:from|in)|"
            r"reflect(?:s|ed|ing)|attributable|caused|thanks to)\b",
            re.IGNORECASE,
        ),
        0.8,
    ),
}
"""How a segment shows what a question wants, and its factor where it does not."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment with the words that it and what surrounds it have."""

    passage: Passage
    segment: Segment
    rank: int
    words: tuple[str, ...]
    own: frozenset[str]
    near: frozenset[str]
    title: frozenset[str]
    around: frozenset[str]

    def covers(self, concept: Concept) -> float:
        """Return how far this answers for the concept, from 0 to 1."""
        if concept.is_in(self.own):
            return 1.0
        if concept.is_in(self.own | self.near):
            return _NEAR
        if concept.is_in(self.title | self.own):
            return _TITLE
        return _PASSAGE if concept.is_in(self.around) else 0.0

    def quotes(self) -> Iterator[str]:
        """Yield what to quote, verbatim: a row's header, then the segment itself."""
        for span in (self.segment.header, self.segment.span):
            if span is not None:
                yield _text(self.passage, span)


def candidates(passages: Iterable[Passage]) -> Iterator[Candidate]:
    """Yield what can be quoted of the passages; they come with the best match first."""
    for rank, passage in enumerate(passages):
        for candidate in _quotable(passage):
            yield replace(candidate, rank=rank) if rank else candidate


@lru_cache(maxsize=_PASSAGES_KEPT)
def _quotable(passage: Passage) -> tuple[Candidate, ...]:
    """Return what can be quoted of a passage: many questions are about the same few."""
    title = frozenset(tokens(f"{passage.title} {passage.locator}"))
    around = frozenset(tokens(passage.text)) | title
    found: list[Candidate] = []
    for segment in cut(passage.text):
        if segment.span.end - segment.span.start > _LONGEST_QUOTE:
            continue
        text = _text(passage, segment.span)
        header = _text(passage, segment.header) if segment.header else ""
        candidate = Candidate(
            passage=passage,
            segment=segment,
            rank=0,
            words=tuple(words(text)),
            own=frozenset(tokens(f"{header}\n{text}")),
            near=frozenset(tokens(segment.near)),
            title=title,
            around=around,
        )
        found.append(candidate)
    return tuple(found)


def scores(asked: Question, candidates: list[Candidate]) -> list[float]:
    """Return the score of each candidate, in their order."""
    weighted = [(c, c.weight * _rarity(c, candidates)) for c in asked.main_concepts()]
    names = [(concept, weight) for concept, weight in weighted if concept.is_name]
    return [_score(asked, weighted, names, candidate) for candidate in candidates]


def _score(
    asked: Question,
    weighted: list[tuple[Concept, float]],
    names: list[tuple[Concept, float]],
    candidate: Candidate,
) -> float:
    subject = _beside_title(weighted, candidate)
    named = _coverage(names, candidate, whole=True)
    return (
        _coverage(subject, candidate)
        * _short_question_fit(subject, candidate)
        * (_NAMES_MISSING + (1 - _NAMES_MISSING) * named)
        * _fit(asked, candidate)
    )


def _beside_title(
    weighted: list[tuple[Concept, float]], candidate: Candidate
) -> list[tuple[Concept, float]]:
    """Leave out what the title says: it tells which document, not which sentence of it."""
    return [pair for pair in weighted if not pair[0].is_in(candidate.title)] or weighted


def _short_question_fit(weighted: list[tuple[Concept, float]], candidate: Candidate) -> float:
    """Of two words, such as 'share price', one alone is another thing."""
    is_short = len(weighted) <= _SHORT_QUESTION
    misses_one = any(candidate.covers(concept) <= _PASSAGE for concept, _ in weighted)
    return _ONE_OF_TWO if is_short and misses_one else 1.0


def _coverage(
    weighted: list[tuple[Concept, float]], candidate: Candidate, *, whole: bool = False
) -> float:
    total = sum(weight for _, weight in weighted)
    if not total:
        return 1.0 if whole else 0.0
    if whole:
        everywhere = candidate.own | candidate.around
        return sum(weight for concept, weight in weighted if concept.is_in(everywhere)) / total
    return sum(weight * candidate.covers(concept) for concept, weight in weighted) / total


def _rarity(concept: Concept, candidates: list[Candidate]) -> float:
    """Return 1 for what no segment names, less for what many do, and never under a half.

    Inverse document frequency, as in BM25, with the segments for documents. Halved, so that one
    odd word of the question does not outweigh all that a segment does say.
    """
    count = len(candidates)
    having = sum(concept.is_in(c.own | c.near | c.title) for c in candidates)
    rarity = math.log(1 + (count - having + 0.5) / (having + 0.5))
    return 0.5 + 0.5 * rarity / math.log(1 + (count + 0.5) / 0.5)


def _fit(asked: Question, candidate: Candidate) -> float:
    fit = max(_LOWEST_RANK, 1 - _RANK_PENALTY * candidate.rank)
    if asked.wants is not None:
        sign, without = _SIGNS[asked.wants]
        fit *= 1.0 if sign.search(_text(candidate.passage, candidate.segment.span)) else without
    for period in (asked.years, asked.quarters):
        if period and period.isdisjoint(candidate.own):
            elsewhere = not period.isdisjoint(candidate.around)
            fit *= _YEAR_ELSEWHERE if elsewhere else _YEAR_NOWHERE
    return fit * (1 + _ADJACENT_BONUS * _adjacent(asked, candidate))


def _adjacent(asked: Question, candidate: Candidate) -> float:
    """Return the share of the question's neighbouring words that are neighbours here too."""
    said = [next(iter(c.ways[0])) for c in asked.concepts if len(c.ways[0]) == 1]
    pairs = list(itertools.pairwise(said))
    here = tokens(_text(candidate.passage, candidate.segment.span))
    neighbours = set(itertools.pairwise(here))
    return sum(pair in neighbours for pair in pairs) / len(pairs) if pairs else 0.0


def _text(passage: Passage, span: Span) -> str:
    return passage.text[span.start : span.end]
