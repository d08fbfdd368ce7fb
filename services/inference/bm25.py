"""Passages and questions as sparse vectors whose dot product, with Qdrant's IDF, is BM25.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009).
The saturated, length-normalised term frequency is the passage's part; Qdrant's IDF modifier
multiplies in how rare a word is among the passages that the asker may see.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from services.inference.question import read
from services.inference.tokens import tokens

SATURATION: Final = 1.2
"""k1: how soon a word's repetition stops to count."""
LENGTH_NORMALISATION: Final = 0.75
"""b: how far a long passage's words count less."""
TITLE_WEIGHT: Final = 3
"""How many times each word of a title counts."""
TYPICAL_LENGTH: Final = 200
"""Words of a typical passage. A constant: a vector must not depend on what else is indexed."""


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Values at dimensions; a dimension stands for a word."""

    indices: list[int]
    values: list[float]


def passage_vector(title: str, text: str) -> SparseVector:
    """Return the vector of a passage; its document's title is searched with it.

    A word of the title counts as if it stood there several times (BM25F): it tells this document
    from another with the same words, such as the same table of another company or year.
    """
    in_text, in_title = Counter(tokens(text)), Counter(tokens(title))
    longer = (in_text.total() + in_title.total()) / TYPICAL_LENGTH
    norm = SATURATION * (1 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * longer)
    weights = {}
    for word in in_text | in_title:
        count = in_text[word] + TITLE_WEIGHT * in_title[word]
        weights[word] = count * (SATURATION + 1) / (count + norm)
    return _vector(weights)


def question_vector(question: str) -> SparseVector:
    """Return the vector of a question: each of its words once, the beside and synonyms less."""
    return _vector(read(question).search_terms())


def _vector(weights: dict[str, float]) -> SparseVector:
    """Words whose dimensions collide share one; with 2^32 dimensions they hardly ever do."""
    summed: defaultdict[int, float] = defaultdict(float)
    for word, weight in weights.items():
        summed[_dimension(word)] += weight
    dimensions = sorted(summed)
    return SparseVector(dimensions, [summed[dimension] for dimension in dimensions])


def _dimension(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=4).digest())
