"""Whether a passage supports a sentence: it has it word for word, or all that the sentence says.

Words decide here, not meaning: a sentence in quite other words counts as unsupported, and a person
looks. It is right to be strict in this direction only.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final, Self

import snowballstemmer

from services.validator.case import one_spaced
from services.validator.figures import FigureText, read_figures
from services.validator.sentences import sentences

_COVERED: Final = 0.8
"""Share of a sentence's content words that one or two sentences in a row must have."""

_STOPS: Final = (
    "a an the this that these those it its he she they we our their his her i you your us them and "
    "or but if then than so as at by for from in into of off on onto out over to with within is "
    "are was were be been being am do does did has have had having will would shall should can "
    "could may might must about also such which who whom whose what when where while there here "
    "each both all any some more most other very per during between through"
)
_STOP_WORDS: Final = frozenset(_STOPS.split())
_NEGATIONS: Final = frozenset({"not", "no", "never", "none", "nor", "neither", "without", "cannot"})
_RISES: Final = (
    "increase rise rose risen grow grew grown growth gain up higher improve improvement expand "
    "exceed above climb profit income inflow upgrade raise"
)
_FALLS: Final = (
    "decrease decline fall fell fallen drop down lower loss shrink shrank worsen deterioration "
    "contract below reduce reduction deficit outflow downgrade cut"
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")
_MARKER: Final = re.compile(r"(?:[-*•\u2013]|\(?\d{1,2}[.)])\s")


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    stem: str = snowballstemmer.stemmer("english").stemWord(word)
    return stem


_RISE_STEMS: Final = frozenset(map(_stem, _RISES.split()))
_FALL_STEMS: Final = frozenset(map(_stem, _FALLS.split()))


@dataclass(frozen=True)
class _Wording:
    """What a sentence says, as stems of its content words, and which way it says things go."""

    words: frozenset[str]
    negated: bool

    @classmethod
    def of(cls, text: str) -> Self:
        words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]
        content = frozenset(
            _stem(word.removesuffix("'s")) for word in words if word not in _STOP_WORDS
        )
        negated = any(word in _NEGATIONS or word.endswith("n't") for word in words)
        return cls(content - _NEGATIONS, negated)

    def contradicts(self, other: Self) -> bool:
        """Say whether one negates what the other does not, or one rises where the other falls."""
        up, down = bool(self.words & _RISE_STEMS), bool(self.words & _FALL_STEMS)
        their_up, their_down = bool(other.words & _RISE_STEMS), bool(other.words & _FALL_STEMS)
        return self.negated != other.negated or (up != down and their_up not in (their_down, up))


@dataclass(frozen=True)
class Source:
    """A passage to find support in."""

    title: str
    text: str

    @cached_property
    def one_spaced(self) -> str:
        """The text in one line."""
        return one_spaced(self.text)

    @cached_property
    def figures(self) -> FigureText:
        """The figures of title and text."""
        return read_figures(f"{self.title}\n{self.text}")

    @cached_property
    def sentences(self) -> tuple[_Wording, ...]:
        """The wording of each sentence."""
        return tuple(_Wording.of(sentence.text) for sentence in sentences(self.text))

    @cached_property
    def stretches(self) -> tuple[frozenset[str], ...]:
        """The content words of each sentence, and of each two in a row."""
        alone = [wording.words for wording in self.sentences]
        return (*alone, *(first | second for first, second in pairwise(alone)))

    @cached_property
    def words(self) -> frozenset[str]:
        """All content words of title and text."""
        return _Wording.of(f"{self.title} {self.text}").words


@lru_cache(maxsize=256)
def read_source(title: str, text: str) -> Source:
    """Return the source of a passage; one that was read before is not read again."""
    return Source(title, text)


def is_supported(sentence: str, source: Source) -> bool:
    """Say whether a source has a sentence: word for word, or its words, names and figures.

    In other words it must have nearly all content words in one or two sentences in a row, and in
    the whole of it every name and every figure; and its nearest sentence must not contradict.
    """
    plain = one_spaced(_MARKER.sub("", sentence, count=1) if _MARKER.match(sentence) else sentence)
    if plain in source.one_spaced:
        return True
    wording = _Wording.of(plain)
    if not wording.words or not _names(plain) <= source.words:
        return False
    needed = _COVERED * len(wording.words)
    if len(wording.words & source.words) < needed:
        return False
    if not all(source.figures.holds(figure) for figure in read_figures(plain).figures):
        return False
    if not any(len(wording.words & theirs) >= needed for theirs in source.stretches):
        return False
    nearest = max(source.sentences, key=lambda theirs: len(wording.words & theirs.words))
    return not wording.contradicts(nearest)


def _names(sentence: str) -> frozenset[str]:
    """Return the stems of the words that are capitalised within the sentence."""
    capitalised = [m[0] for m in _WORD.finditer(sentence) if m.start() and m[0][0].isupper()]
    return _Wording.of(" ".join(capitalised)).words
