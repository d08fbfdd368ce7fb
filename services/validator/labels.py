"""What a figure is about, as words, and how well two such descriptions fit."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import fsum, log
from typing import Final

import Stemmer

from services.validator.remembered import remembered

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
_ASCII_WORD: Final = re.compile(
    r"[a-z0-9](?:(?<=[a-z])[a-z]*+(?:'[a-z]+)*+|(?<=\d)(?<![\w.,$]\d)\d?(?![\w.,%]|\s?%))", re.ASCII
)
"""What `_WORD` is for ASCII in lower case, found in a third of the time."""
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
_MONTH_LIST: Final = (
    "january february march april may june july august september october november december"
)
_MONTHS: Final = frozenset(_MONTH_LIST.split())
_DAY: Final = re.compile(rf"\b(?:{'|'.join(_MONTH_LIST.split())})\s\d{{1,2}}\b")
_SQUASHED: Final = 13
"""From this length on a word may be several that have lost their spaces ('Totalnetrevenue')."""


_stemmer: Final = Stemmer.Stemmer("english", 0)  # what is read is kept here: it needs no cache


def _stem(word: str) -> str:
    stem: str = _stemmer.stemWord(word)
    return stem


class _Stems(dict[str, tuple[str, ...]]):
    """The stems of lower-case words: none of a function word, several of a short form.

    Words that were read are looked up in half the time of what keeps count of use.
    """

    def __missing__(self, written: str) -> tuple[str, ...]:
        """Read a new word."""
        if len(self) >= _MOST_WORDS:
            self.clear()
        word = written.replace("\u2019", "'").removesuffix("'s")
        found = () if word in _STOP_WORDS else tuple(map(_stem, _SAME.get(word, (word,))))
        self[written] = found
        return found


_MOST_WORDS: Final = 50_000
_stems: Final = _Stems().__getitem__


def read_stems(text: str) -> frozenset[str]:
    """Return the stems of the content words of a text; words of time, scale and unit are none."""
    text = text.lower()
    pattern = _ASCII_WORD if text.isascii() else _WORD
    words = pattern.findall(text)
    if not _MONTHS.isdisjoint(words):
        words = pattern.findall(_DAY.sub(" ", text))
    return frozenset(chain.from_iterable(map(_stems, words)))


stems = remembered(20_000)(read_stems)


def label_stems(text: str) -> frozenset[str]:
    """Return the stems of a label; of one that has no content words ('Current year') all words."""
    return stems(text) or frozenset(_stem(m[0]) for m in _WORD.finditer(text.lower()))


@dataclass(frozen=True)
class Query:
    """What a figure of an answer is about: stems with weights, the nearest words weighing most.

    `worth`: the weights times what each word says, once a vocabulary knows the query.
    """

    weights: Mapping[str, float]
    worth: Mapping[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, *parts: tuple[Iterable[str], float]) -> "Query":
        """Merge parts, each with its weight; a word keeps its greatest."""
        weights: dict[str, float] = {}
        for words, weight in parts:
            for word in words:
                if weights.get(word, 0.0) < weight:
                    weights[word] = weight
        return cls(weights)


@dataclass
class Vocabulary:
    """The words by which the facts of some passages are told apart, and how much each says.

    Sums are exact (`fsum`): the order of a set differs from process to process, and where two rows
    fit alike, the last bit would decide.
    """

    documents: int
    counts: Counter[str]
    _idf: dict[str, float] = field(default_factory=dict, repr=False)
    _wholes: dict[frozenset[str], float] = field(default_factory=dict, repr=False)
    _within: dict[frozenset[str], frozenset[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, labels: Iterable[frozenset[str]]) -> "Vocabulary":
        """Count in how many labels each word is."""
        distinct = set(labels)
        return cls(len(distinct), Counter(chain.from_iterable(distinct)))

    def idf(self, word: str) -> float:
        """Return how much it says that a label has this word."""
        known = self._idf.get(word)
        if known is None:
            known = log(1 + (self.documents + 1) / (self.counts.get(word, 0) + 0.5))
            self._idf[word] = known
        return known

    def whole(self, label: frozenset[str]) -> float:
        """Return how much all words of a label say together."""
        known = self._wholes.get(label)
        if known is None:
            known = self._wholes[label] = fsum(map(self.idf, label))
        return known

    def within(self, words: frozenset[str]) -> frozenset[str]:
        """Return those of some words that any label has."""
        known = self._within.get(words)
        if known is None:
            known = self._within[words] = frozenset(words & self.counts.keys())
        return known

    def known(self, query: Query) -> Query:
        """Return the query's words that any label has, the heaviest weighing 1."""
        weights = {word: w for word, w in query.weights.items() if word in self.counts}
        weights |= self._squashed(query)
        top = max(weights.values(), default=1.0)
        weights = {word: weight / top for word, weight in weights.items()}
        return Query(weights, {word: weight * self.idf(word) for word, weight in weights.items()})

    def _squashed(self, query: Query) -> dict[str, float]:
        """Return the labels' run-together words that are made of the query's."""
        found = {}
        for word in self._long:
            parts = [(p, w) for p, w in query.weights.items() if len(p) > 2 and p in word]  # noqa: PLR2004 - shorter ones are anywhere
            covered = sum([len(p) for p, _ in parts]) / len(word)
            if covered > 0.5:  # noqa: PLR2004 - more than half of it
                found[word] = min(1.0, covered + 0.2) * max(w for _, w in parts)
        return found

    @cached_property
    def _long(self) -> list[str]:
        return [word for word in self.counts if len(word) >= _SQUASHED]

    def coverage(self, query: Query, label: frozenset[str]) -> float:
        """Return from 0 to 1 how much of a label a query that `known` made names.

        Whatever else it names.
        """
        worth = query.worth
        named = fsum([worth[word] for word in label if word in worth])
        return named / self.whole(label) if named else 0.0

    def score(self, query: Query, label: frozenset[str], context: frozenset[str]) -> float:
        """Return from 0 to 1 how well a label fits a query that `known` made.

        The harmonic mean of the share of the label that the query names and the share of the
        query that the label explains; words of the label's surroundings need no explanation.
        """
        return self.coverage_and_score(query, label, context)[1]

    def coverage_and_score(
        self, query: Query, label: frozenset[str], context: frozenset[str]
    ) -> tuple[float, float]:
        """Return what `coverage` and `score` do."""
        worth = query.worth
        named = fsum([worth[word] for word in label if word in worth])
        if named == 0:
            return 0.0, 0.0
        asked = fsum([w for word, w in worth.items() if word in label or word not in context])
        recall, precision = named / self.whole(label), named / asked
        score = 2 * recall * precision / (recall + precision)
        weights = query.weights
        near = [weights[word] for word in context if word in weights and word not in label]
        if near:
            score += 0.08 * fsum(near) / len(near)
        return recall, min(score, 1.0)
