"""What an answer's claims are held against: the passages, indexed for overlap.

The order of the passages counts for nothing: everything here is a set, a sum or a maximum.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, chain, pairwise
from typing import Final, NamedTuple, Self

from services.validator.grounding.words import Words
from services.validator.remembered import remembered
from services.validator.sentences import sentences

GRAM_LENGTHS: Final = (2, 3, 4)
_NUMBERED: Final = r"(?:passages?|sources?|documents?|contexts?|excerpts?)"
_MARK: Final = re.compile(
    # where it may begin: at a bracket, or at a word that has its first letter
    r"(?:(?=[(\[])|(?=[cdefpst])(?<!\w))"
    rf"(?:(?:^|(?<=\s)){_NUMBERED}\s?\d{{0,2}}:|\(?\b{_NUMBERED}\s{{1,2}}#?\d{{1,2}}\b"
    rf"(?:\s{{0,2}}(?:,\s{{0,2}}(?:and\s)?|and|&|-)\s{{0,2}}(?:{_NUMBERED}\s{{1,2}})?\d{{1,2}}\b){{0,6}}\)?"
    rf"|\b(?:first|second|third|fourth|fifth)\s{_NUMBERED}\b|\[\d{{1,3}}\])",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBERS_THEM: Final = ("[", "passage", "source", "document", "context", "excerpt")
_LONGEST: Final = 400


def without_marks(text: str) -> str:
    """Return a text in which what only numbers the passages ('(Passage 2)', '[1]') is blank."""
    lower = text.lower()  # searching costs a hundred times as much as looking for these
    if not any(map(lower.__contains__, _NUMBERS_THEM)):
        return text
    return _MARK.sub(lambda match: " " * len(match[0]), text)


class Stretch(NamedTuple):
    """One sentence of a passage."""

    words: Words
    content: frozenset[str]
    negates: bool


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of stems of some sentences: a claim has few, and a set of all would have thousands.

    `text` has the stems between spaces, the sentences on lines of their own.
    """

    text: str

    def __contains__(self, run: Iterable[str]) -> bool:
        """Say whether a sentence has these stems in a row."""
        return f" {' '.join(run)} " in self.text


class Indexed(NamedTuple):
    """One passage."""

    stretches: tuple[Stretch, ...]
    grams: "Runs"
    pairs: frozenset[tuple[str, str]]
    """See `pairs_of`."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Index a passage."""
        stretches = tuple(_stretches(text))
        return cls(
            stretches,
            Runs("\n".join(f" {' '.join(stretch.words.stems)} " for stretch in stretches)),
            frozenset(chain.from_iterable(pairs_of(s.words.content) for s in stretches)),
        )


def pairs_of(content: Sequence[str]) -> list[tuple[str, str]]:
    """Return the content words that follow each other, whatever stands between, in either order."""
    return [(one, two) if one < two else (two, one) for one, two in pairwise(content)]


def _stretches(text: str) -> Iterable[Stretch]:
    for sentence in sentences(without_marks(text)):
        # a page without full stops is one 'sentence': cut, or it would contain everything
        for part in Words.of(sentence.text).pieces(_LONGEST):
            yield Stretch(part, frozenset(part.content), bool(part.negations))


# the same passages come back with every popular question
_indexed = remembered(256)(Indexed.of)


@dataclass(frozen=True)
class Evidence:
    """All passages together."""

    passages: tuple[Indexed, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Index some passages."""
        return cls(tuple(_indexed(text) for text in texts))

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Every sentence."""
        return tuple(stretch for passage in self.passages for stretch in passage.stretches)

    @cached_property
    def contents(self) -> tuple[frozenset[str], ...]:
        """Every sentence's content."""
        return tuple(stretch.content for stretch in self.stretches)

    @cached_property
    def neighbours(self) -> tuple[tuple[int, int], ...]:
        """The places of every two sentences in a row."""
        ends = [0, *accumulate(len(passage.stretches) for passage in self.passages)]
        return tuple(two for start, end in pairwise(ends) for two in pairwise(range(start, end)))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every stem, function words and numbers too."""
        return frozenset().union(*(stretch.words.stems for stretch in self.stretches))

    @cached_property
    def grams(self) -> "Runs":
        """Every run of stems."""
        return Runs("\n".join(passage.grams.text for passage in self.passages))

    @cached_property
    def runs_met(self) -> dict[tuple[str, ...], dict[int, list[bool]]]:
        """Of the stems of claims that were met, which of their runs of each length are there."""
        return {}

    def met(self, words: Words) -> dict[int, list[bool]]:
        """Say of each run of a claim's stems, by length, whether a sentence has it."""
        known = self.runs_met.get(words.stems)
        if known is None:
            known = self.runs_met[words.stems] = dict(self._met(words))
        return known

    def _met(self, words: Words) -> Iterable[tuple[int, list[bool]]]:
        known = [stem in self.words for stem in words.stems]
        for length in GRAM_LENGTHS:  # a run is there only if both of its parts are
            parts = pairwise(known)
            grams = words.grams(length)
            known = [a and b and g in self.grams for (a, b), g in zip(parts, grams, strict=True)]
            yield length, known

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every two content words in a row."""
        return frozenset().union(*(passage.pairs for passage in self.passages))

    @cached_property
    def negates(self) -> bool:
        """Say whether any sentence negates anything."""
        return any(stretch.negates for stretch in self.stretches)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """The places of the sentences that have each content stem."""
        found = defaultdict(list)
        for place, content in enumerate(self.contents):
            for stem in content:
                found[stem].append(place)
        return dict(found)

    @cached_property
    def squares(self) -> dict[str, float]:
        """The square of each stem's inverse sentence frequency."""
        sentences_ = len(self.stretches)
        # many stems are as frequent as each other
        of = cache(lambda often: math.log(1 + sentences_ / often) ** 2)
        return {stem: of(len(places)) for stem, places in self.places.items()}

    def shared(self, content: frozenset[str]) -> tuple[list[int], list[float]]:
        """Return how many stems of a claim each sentence has, and about how much they say.

        The latter is the sum of their squares as floats add up, in whatever order.
        """
        counts, sums = [0] * len(self.stretches), [0.0] * len(self.stretches)
        for stem in content:
            square = self.squares.get(stem, 0.0)
            for place in self.places.get(stem, ()):
                counts[place] += 1
                sums[place] += square
        return counts, sums

    @cached_property
    def new(self) -> float:
        """The same of a stem that no sentence has: smoothed, so that it is rare."""
        return math.log(1 + (len(self.stretches) or 1) / 0.5) ** 2

    @cached_property
    def norms(self) -> tuple[float, ...]:
        """The length of each sentence's tf-idf vector."""
        square = self.squares.__getitem__
        return tuple(
            [math.sqrt(math.fsum(map(square, content))) for content in self.contents],
        )
