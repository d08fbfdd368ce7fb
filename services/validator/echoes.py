"""Sentences of an answer that repeat one of a passage: word for word, or with something changed.

A sentence that differs from its model in a year or in 'rose' for 'fell' only is no paraphrase.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from services.validator.directions import way_of
from services.validator.remembered import remembered
from services.validator.sentences import sentences

_TOKEN: Final = re.compile(r"[^\W\d_]+|\d[\d,.]*\d|\d|[$€£¥%]")
_ASCII_TOKEN: Final = re.compile(r"[a-z]+|[0-9](?:[0-9,.]*[0-9])?|[$%]")
"""What `_TOKEN` is for ASCII in lower case, found in half the time."""
_FEWEST: Final = 5
_MOST: Final = 90
_ALIKE: Final = 0.75
"""Share of the longer sentence's words that the other must have."""
_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_PERIOD: Final = re.compile(
    r"(?:19|20)\d{2}|first|second|third|fourth|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|q[1-4]"
)


@dataclass(frozen=True, slots=True)
class Change:
    """What an answer has from `start` to `end` in place of `instead`: a 'period' or the 'way'."""

    start: int
    end: int
    instead: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Tokens:
    words: tuple[str, ...]
    known: frozenset[str]


def _tokens(text: str) -> _Tokens:
    if text.isascii():
        words = tuple(_ASCII_TOKEN.findall(text.lower()))
    else:
        words = tuple([word.lower() for word in _TOKEN.findall(text)])
    return _Tokens(words, frozenset(words))


# most sentences of a passage are ruled out by how they are written
_read = remembered(1_024)(_tokens)


@remembered(256)
def _lower(passage: str) -> tuple[tuple[str, str], ...]:
    """Return the sentences of a passage, each with itself in lower case."""
    return tuple((sentence.text, sentence.text.lower()) for sentence in sentences(passage))


def _alike(ours: _Tokens, passage: str) -> Iterator[_Tokens]:
    """Return the sentences of a passage that may have as many of our words as it takes."""
    words = sorted(ours.known, key=len, reverse=True)
    missing = int((1 - _ALIKE) * len(words))
    # of these one at least must be there, and the longest are in the fewest sentences
    telling = words[: missing + 1]
    for text, lower in _lower(passage):
        if any(word in lower for word in telling):
            theirs = _read(text)
            if _FEWEST <= len(theirs.words) <= _MOST:
                yield theirs


@remembered(256)
def one_line(text: str) -> str:
    """Return a text with every run of white space as one space."""
    return " ".join(text.split())


def stands_verbatim(sentence: str, passages: Sequence[str]) -> bool:
    """Say whether a passage has a sentence word for word; a mere figure is no sentence."""
    line = one_line(sentence)
    return sum(w.isalpha() for w in line.split()) > 1 and any(
        line in one_line(passage) for passage in passages
    )


def changes_of(sentence: str, offset: int, passages: Sequence[str]) -> list[Change]:
    """Return how a sentence differs from the passage's sentence that it repeats, if any.

    `offset` is where the sentence starts in the answer.
    """
    ours = _tokens(sentence)
    if not _FEWEST <= len(ours.words) <= _MOST:
        return []
    best, share = None, _ALIKE
    size = len(ours.known)
    for passage in passages:
        for theirs in _alike(ours, passage):
            other = len(theirs.known)
            if min(size, other) / max(size, other) < share:
                continue  # even if the shorter were a part of the longer
            alike = len(ours.known & theirs.known) / max(size, other)
            if alike >= share:
                best, share = theirs, alike
    if best is None:
        return []
    spans = [(m.start() + offset, m.end() + offset) for m in _TOKEN.finditer(sentence)]
    return list(_compared(ours, spans, best))


def _compared(ours: _Tokens, spans: Sequence[tuple[int, int]], theirs: _Tokens) -> Iterator[Change]:
    matcher = SequenceMatcher(None, ours.words, theirs.words, autojunk=False)
    for operation, first, last, start, end in matcher.get_opcodes():
        if operation != "replace":
            continue
        mine, other = ours.words[first:last], theirs.words[start:end]
        if len(mine) != len(other):
            continue
        for place, (a, b) in enumerate(zip(mine, other, strict=True), start=first):
            kind = _kind(a, b)
            if kind:
                yield Change(*spans[place], b, kind)


def _kind(ours: str, theirs: str) -> str | None:
    if _PERIOD.fullmatch(ours) and _PERIOD.fullmatch(theirs):
        return "period" if bool(_YEAR.match(ours)) == bool(_YEAR.match(theirs)) else None
    if way_of(ours) * way_of(theirs) < 0:
        return "way"
    return None
