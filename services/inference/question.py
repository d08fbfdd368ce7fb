"""What a question asks about: its concepts, the periods it names, and what would answer it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Literal

from services.inference.tokens import FISCAL_YEAR, tokens, words
from services.inference.vocabulary import ASKING, GENERIC, SYNONYMS

Kind = Literal["figure", "time", "name", "reason"]

ASIDE_WEIGHT: Final = 0.3
"""Weight of what stands beside the question itself, such as how to round."""
GENERIC_WEIGHT: Final = 0.4

_SENTENCE_END: Final = re.compile(r"(?<=[.?!])\s+")
_NAME: Final = re.compile(r"(?:[A-Z][\w&'’]*[ \t]+)+[A-Z][\w&]*")  # noqa: RUF001 - an apostrophe
_LEAD: Final = re.compile(
    r".*?[,:]\s+(?=(?:what|which|who|when|where|why|how|is|are|was|were|does|do|did|has|have|can)\b)",
    re.IGNORECASE | re.DOTALL,
)
_BRACKET: Final = re.compile(r"\([^()]*\)")
_CAPITALISED: Final = re.compile(r"(?<=[^.?!\s]\s)[A-Z][\w&-]*|\b[A-Z]{2,}[\w&-]*")
_POSSESSIVE: Final = re.compile(r"['’]s\b")  # noqa: RUF001 - as above
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_QUARTER: Final = re.compile(r"q[1-4]")
_LONGEST_NAME: Final = 4
_QUESTIONS_KEPT: Final = 256  # a search, its answer and a further attempt read the same one
_LONGEST_KEPT: Final = 500
"""Characters. One of 60 takes 8 to 15 KiB when read, one of 500 up to 155, one of 8,000 a MiB or
two: few are so long, and one that is gets read anew."""

_KINDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    (
        "time",
        re.compile(r"\b(?:when|how (?:long|soon|quickly)|what (?:date|day|time))\b", re.IGNORECASE),
    ),
    (
        "reason",
        re.compile(r"\bwhy\b|\bwhat (?:drove|drives|caused|causes|led to)\b", re.IGNORECASE),
    ),
    (
        "figure",
        re.compile(
            r"\bhow (?:much|many|large|big|high|old)\b|\bby how\b|%|\bpercent|"
            r"\b(?:what|which)\b.{0,60}\b(?:amount|number|rate|ratio|margin|price|fee|limit|total|"
            r"percentage|value|share|count|average|charge|income|revenue|cost|size)\b",
            re.IGNORECASE,
        ),
    ),
    ("name", re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that a question names. Any of `ways` says it, each by all of its words.

    `is_name`: it is written with a capital inside a sentence, as names are.
    """

    ways: tuple[frozenset[str], ...]
    weight: float
    is_name: bool = False

    def is_in(self, found: frozenset[str]) -> bool:
        """Tell whether a text of these words names it."""
        return any(way <= found for way in self.ways)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read.

    `concepts` stand in the order of the question, without its `years` and `quarters`; `names`
    are its runs of capitalised words, each joined into one as file names often have them.
    """

    concepts: tuple[Concept, ...]
    years: frozenset[str]
    quarters: frozenset[str]
    names: frozenset[str]
    wants: Kind | None

    def main_concepts(self) -> tuple[Concept, ...]:
        """Return the concepts without those that stand beside what is asked, if others do."""
        main = tuple(c for c in self.concepts if c.weight > ASIDE_WEIGHT)
        return main or self.concepts

    def search_terms(self) -> dict[str, float]:
        """Return the words to search for and the weight of each."""
        terms = dict.fromkeys([*self.years, *self.quarters, *self.names], 1.0)
        for concept in self.concepts:
            own, *others = concept.ways
            for word in own:
                terms[word] = max(terms.get(word, 0.0), concept.weight)
            for word in frozenset[str]().union(*others) - own:
                terms[word] = max(terms.get(word, 0.0), concept.weight / 2)
        return terms


def read(question: str) -> Question:
    """Read a question; one that is not too long is kept for who reads it next.

    What stands beside what is asked counts for less: sentences that do not ask, what comes before
    the asking word ('From the balance sheet, what is'), and brackets.
    """
    return _kept(question) if len(question) <= _LONGEST_KEPT else _read(question)


@lru_cache(maxsize=_QUESTIONS_KEPT)
def _kept(question: str) -> Question:
    return _read(question)


def _read(question: str) -> Question:
    sentences = _SENTENCE_END.split(question)
    asking = [sentence for sentence in sentences if "?" in sentence] or sentences
    concepts: dict[tuple[frozenset[str], ...], Concept] = {}
    for sentence in sentences:
        for part, is_aside in _parts(sentence):
            weight = ASIDE_WEIGHT if is_aside or sentence not in asking else 1.0
            for concept in _concepts(part, weight):
                earlier = concepts.get(concept.ways)
                if earlier is None or earlier.weight < concept.weight:
                    concepts[concept.ways] = concept
    found = tokens(question)
    if not concepts:  # nothing but words that direct: then they are what is asked about
        concepts = {(frozenset({word}),): Concept((frozenset({word}),), 1.0) for word in found}
    return Question(
        concepts=tuple(concepts.values()),
        years=frozenset(word for word in found if _YEAR.fullmatch(word)),
        quarters=frozenset(word for word in found if _QUARTER.fullmatch(word)),
        names=_joined_names(question),
        wants=next((kind for kind, sign in _KINDS if sign.search(" ".join(asking))), None),
    )


def _parts(sentence: str) -> Iterator[tuple[str, bool]]:
    """Yield the sentence's parts, and of each whether it stands beside what is asked."""
    lead = _LEAD.match(sentence)
    if lead:
        yield lead[0], True
    rest = sentence[lead.end() if lead else 0 :]
    yield from ((bracket, True) for bracket in _BRACKET.findall(rest))
    yield _BRACKET.sub(" ", rest), False


def _concepts(sentence: str, weight: float) -> list[Concept]:
    plain = _POSSESSIVE.sub("", sentence)
    names = {word for name in _CAPITALISED.findall(plain) for word in tokens(name)}
    said = [
        (word, stem)
        for word in words(plain)
        if word not in ASKING and not FISCAL_YEAR.match(word)
        for stem in tokens(word)
    ]
    stems = [stem for _, stem in said]
    found = []
    at = 0
    while at < len(stems):
        stem = stems[at]
        phrase, ways = _longest_phrase(stems, at)
        if ways:
            found.append(Concept(ways, weight))
        elif not _YEAR.fullmatch(stem) and not _QUARTER.fullmatch(stem):
            own = GENERIC_WEIGHT if stem in _generic() else 1.0
            found.append(
                Concept((frozenset({stem}),), weight * own, is_name=own == 1.0 and stem in names)
            )
        at += max(len(phrase), 1)
    return found


@cache
def _generic() -> frozenset[str]:
    return frozenset(stem for word in GENERIC for stem in tokens(word))


def _longest_phrase(
    stems: list[str], at: int
) -> tuple[tuple[str, ...], tuple[frozenset[str], ...]]:
    known = _phrases()
    for length in range(_LONGEST_NAME, 0, -1):
        phrase = tuple(stems[at : at + length])
        if phrase in known:
            return phrase, known[phrase]
    return (), ()


@cache
def _phrases() -> dict[tuple[str, ...], tuple[frozenset[str], ...]]:
    """Return each known phrase, as stems, with its own words first and its synonyms' after."""
    known = {}
    for group in SYNONYMS:
        stemmed = [tuple(tokens(phrase)) for phrase in group]
        for phrase in stemmed:
            others = [frozenset(other) for other in stemmed if other != phrase]
            known[phrase] = (frozenset(phrase), *dict.fromkeys(others))
    return known


def _joined_names(question: str) -> frozenset[str]:
    """Return 'bestbuy' for 'Best Buy': titles are often file names, written without spaces."""
    joined = set()
    for run in _NAME.findall(_POSSESSIVE.sub("", question)):
        parts = words(run)
        for start in range(len(parts)):
            for end in range(start + 2, min(start + _LONGEST_NAME, len(parts)) + 1):
                joined.update(tokens("".join(parts[start:end])))
    return frozenset(joined)
