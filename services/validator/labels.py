"""What a figure is about, as words, and how well two such descriptions fit."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import snowballstemmer

_STOPS: Final = (
    "a an the this that these those it its he she we they our their his her i you your us them and "
    "or but if then than so as at by for from in into of off on onto out over to with within is "
    "are was were be been being am do does did has have had having will would shall should can "
    "could may might must about also such which who whom whose what when where while there here "
    "each both all any some very per during between through how much many "
    "against versus up down approximately about around nearly roughly almost "
    "respectively amount amounted came total's value year years fiscal ended period company "
    "january february march april june july august september october november december "
    "reported according table m mn bn million millions thousand thousands billion billions percent "
    "percentage usd eur gbp rmb note notes s t vs versus compared respect respectively"
)
_STOP_WORDS: Final = frozenset(_STOPS.split())
_WORD: Final = re.compile(
    r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*"
    r"|(?<![\w.,$€£])\d{1,2}(?![\w.,%]|\s?%)"  # 'Level 2' is not 'Level 3'
)
_SAME: Final = {
    "capex": ("capital", "expenditure"),
    "ppe": ("property", "plant", "equipment"),
    "cogs": ("cost", "goods", "sold"),
    "eps": ("earning", "share"),
    "quarter": ("three", "month"),
    "r&d": ("research", "development"),
    "sg&a": ("selling", "general", "administrative"),
    "ebit": ("operating", "income"),
    "revenues": ("revenue",),
}
_DAY: Final = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)"
    r"\s\d{1,2}\b"
)
_SQUASHED: Final = 13
"""From this length on a word may be several that have lost their spaces ('Totalnetrevenue')."""


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    stem: str = snowballstemmer.stemmer("english").stemWord(word)
    return stem


@lru_cache(maxsize=20_000)
def stems(text: str) -> frozenset[str]:
    """Return the stems of the content words of a text; words of time, scale and unit are none."""
    words: set[str] = set()
    for match in _WORD.finditer(_DAY.sub(" ", text.lower())):
        word = match[0].replace("\u2019", "'").removesuffix("'s")
        if word not in _STOP_WORDS:
            words.update(map(_stem, _SAME.get(word, (word,))))
    return frozenset(words)


def label_stems(text: str) -> frozenset[str]:
    """Return the stems of a label; of one that has no content words ('Current year') all words."""
    return stems(text) or frozenset(_stem(m[0]) for m in _WORD.finditer(text.lower()))


@dataclass(frozen=True)
class Query:
    """What a figure of an answer is about: stems with weights, the nearest words weighing most."""

    weights: Mapping[str, float]

    @classmethod
    def of(cls, *parts: tuple[Iterable[str], float]) -> "Query":
        """Merge parts, each with its weight; a word keeps its greatest."""
        weights: dict[str, float] = {}
        for words, weight in parts:
            for word in words:
                weights[word] = max(weight, weights.get(word, 0.0))
        return cls(weights)


@dataclass
class Vocabulary:
    """The words by which the facts of some passages are told apart, and how much each says."""

    documents: int
    counts: Counter[str]
    _idf: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: Iterable[frozenset[str]]) -> "Vocabulary":
        """Count in how many labels each word is."""
        distinct = set(labels)
        return cls(len(distinct), Counter(word for label in distinct for word in label))

    def idf(self, word: str) -> float:
        """Return how much it says that a label has this word."""
        known = self._idf.get(word)
        if known is None:
            known = math.log(1 + (self.documents + 1) / (self.counts.get(word, 0) + 0.5))
            self._idf[word] = known
        return known

    def known(self, query: Query) -> Query:
        """Return the query's words that any label has, the heaviest weighing 1."""
        weights = {word: w for word, w in query.weights.items() if word in self.counts}
        weights |= self._squashed(query)
        top = max(weights.values(), default=1.0)
        return Query({word: weight / top for word, weight in weights.items()})

    def _squashed(self, query: Query) -> dict[str, float]:
        """Return the labels' run-together words that are made of the query's."""
        found = {}
        for word in self.counts:
            if len(word) >= _SQUASHED:
                parts = [(p, w) for p, w in query.weights.items() if len(p) > 2 and p in word]  # noqa: PLR2004 - shorter ones are anywhere
                covered = sum(len(p) for p, _ in parts) / len(word)
                if covered > 0.5:  # noqa: PLR2004 - more than half of it
                    found[word] = min(1.0, covered + 0.2) * max(w for _, w in parts)
        return found

    def coverage(self, query: Query, label: frozenset[str]) -> float:
        """Return from 0 to 1 how much of a label a query names, whatever else it names."""
        whole = sum(self.idf(word) for word in label)
        named = sum(self.idf(word) * query.weights.get(word, 0.0) for word in label)
        return named / whole if whole else 0.0

    def score(self, query: Query, label: frozenset[str], context: frozenset[str]) -> float:
        """Return from 0 to 1 how well a label fits a query that `known` made.

        The harmonic mean of the share of the label that the query names and the share of the
        query that the label explains; words of the label's surroundings need no explanation.
        """
        if not label or not query.weights:
            return 0.0
        named = whole = 0.0
        for word in label:
            idf = self.idf(word)
            whole += idf
            named += idf * query.weights.get(word, 0.0)
        if named == 0:
            return 0.0
        asked = sum(
            w * self.idf(word)
            for word, w in query.weights.items()
            if word in label or word not in context
        )
        recall, precision = named / whole, named / asked
        score = 2 * recall * precision / (recall + precision)
        around = context - label
        if around and (near := around & query.weights.keys()):
            score += 0.08 * sum(query.weights[w] for w in near) / len(near)
        return min(score, 1.0)
