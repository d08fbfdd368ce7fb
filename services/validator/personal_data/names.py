"""People and places: a tagger of words, as no model can be downloaded.

An averaged perceptron over the shape of a word and of its neighbours, lists of names (Faker) and
of places (GeoNames), and the words around. It reads left to right, one tag a word. Its weights,
with their provenance, are in names.json; evals/screening/fit_names.py makes them.
Source: Collins, Discriminative Training Methods for Hidden Markov Models, EMNLP 2002.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import faker.providers.person as people

from services.validator.personal_data.finding import PersonalData

OUTSIDE: Final = "O"
REPORTED: Final = {"P": "PERSON", "L": "LOCATION"}
"""The types by their tag's letter. `A` (a street address) and `G` (an organisation) are told apart
and not reported: outside the sentences they were learned on, they are mostly wrong."""
TAGS: Final = (OUTSIDE, *(place + kind for kind in "PLAG" for place in "BI"))
_TITLES: Final = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "bot", "user", "hello", "hi"}
)
_SCORE: Final = 0.6
"""Two of three are right on text of unseen wording."""
_LONGEST_PLACE: Final = 3
_SHORT: Final = 5
_TOKEN: Final = re.compile(r"\n|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\w\s]|_")  # noqa: RUF001 - people type both
_NAME_PART: Final = re.compile(r"[^\W\d_]{3,}(?:['’][^\W\d_]+)?")  # noqa: RUF001 - people type both
_STARTS: Final = frozenset({"^", ".", "?", "!", ":", "\n", '"', "“", ">"})


Weights = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, a number, a mark or a line's end."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is known of words: names of people, places, and words that are written small."""

    given: frozenset[str]
    family: frozenset[str]
    places: Mapping[str, str]
    common: frozenset[str]


class Tagger:
    """Finds people and places by weights and a lexicon."""

    def __init__(self, weights: Weights, known: Lexicon) -> None:
        self._weights = weights
        self._known = known

    def find(self, text: str) -> Iterator[PersonalData]:
        """Yield what is found in a text."""
        words = split(text)
        for kind, start, end in spans(words, tag(View(words, self._known), self._weights)):
            written = text[start:end]
            if kind in REPORTED and self._is_name(written):
                identity = " ".join(written.casefold().split())
                yield PersonalData(REPORTED[kind], start, end, identity, _SCORE)

    def _is_name(self, written: str) -> bool:
        """Say whether there is more in a find than titles and words that are written small."""
        parts = [word.text.lower().removesuffix("'s") for word in split(written)]
        return any(
            part[0].isalpha()
            and part not in _TITLES
            and (part not in self._known.common or part in self._known.places)
            for part in parts
        )


def split(text: str) -> list[Word]:
    """Return the words of a text."""
    return [Word(each[0], *each.span()) for each in _TOKEN.finditer(text)]


class View:
    """The words of a text as the tagger sees them."""

    def __init__(self, words: Sequence[Word], lexicon: Lexicon) -> None:
        self.low = [word.text.lower() for word in words]
        self.shapes = [shape(word.text) for word in words]
        self.known = ["r" if low not in lexicon.common else "c" for low in self.low]
        self.lists = _listed(self.low, lexicon)

    def features(self, at: int, before: str, earlier: str) -> tuple[list[str], list[str]]:
        """Return what is general of a word, and what is of the very words there."""
        low, shapes, lists = self.low, self.shapes, self.lists
        last = len(low) - 1
        word, form, listed = low[at], shapes[at], lists[at]
        left, right = (low[at - 1] if at else "^"), (low[at + 1] if at < last else "$")
        left2, right2 = (low[at - 2] if at > 1 else "^"), (low[at + 2] if at < last - 1 else "$")
        left_form, right_form = (
            (shapes[at - 1] if at else "^"),
            (shapes[at + 1] if at < last else "$"),
        )
        left_list, right_list = (
            (lists[at - 1] if at else "^"),
            (lists[at + 1] if at < last else "$"),
        )
        right_known = self.known[at + 1] if at < last else "r"
        start = "S" if left_form in _STARTS else "M"
        key = form + self.known[at] + listed
        general = [
            "b", f"s={form}{self.known[at]}{start}", f"z={listed}", f"k={key}{start}",
            f"sp={left_form}|{key}", f"sn={key}|{right_form}{right_known}",
            f"ss={left_form}{form}{right_form}", f"zn={listed}|{right_list}",
            f"zp={left_list}|{listed}", f"t1={before}{key}", f"t12={earlier}|{before}",
            f"tn={before}|{form}|{right_form}{right_list}", f"tz={before}|{listed}",
        ]  # fmt: skip
        lexical = [
            f"w={word}", f"p1={left}", f"n1={right}", f"p2={left2}|{left}", f"n2={right}|{right2}",
            f"tp={before}|{left}", f"p1s={left}|{key}", f"n1s={right}|{key}",
            f"suf3={word[-3:]}{form[0]}", f"p2w={left2}|{earlier}",
        ]  # fmt: skip
        return general, lexical


def shape(word: str) -> str:
    """Return how a word is written: capitals, small letters, digits, or the mark that it is."""
    if word.isdigit():
        return f"d{min(len(word), _SHORT)}"
    if not word[0].isalpha():
        return word
    if len(word) == 1:
        return "X" if word.isupper() else "x"
    if word.isupper():
        return "XX"
    if word.islower():
        return "xx"
    return "Xx" if word[0].isupper() and word[1:].islower() else "xX"


def _listed(low: Sequence[str], lexicon: Lexicon) -> list[str]:
    found = [
        ("g" if word in lexicon.given else "") + ("l" if word in lexicon.family else "")
        for word in low
    ]
    at = 0
    while at < len(low):
        for size in range(min(_LONGEST_PLACE, len(low) - at), 0, -1):
            kind = lexicon.places.get(" ".join(low[at : at + size]))
            if kind and not (size == 1 and low[at] in lexicon.common):
                for part in range(size):
                    found[at + part] += kind + ("i" if part else "b")
                at += size
                break
        else:
            at += 1
    return [each or "-" for each in found]


def allowed(before: str, tag_: str) -> bool:
    """Say whether a tag may follow another: what goes on must have begun."""
    return tag_[0] != "I" or (before[0] in "BI" and before[1:] == tag_[1:])


def best(features: Iterable[str], weights: Weights, before: str) -> str:
    """Return the tag with the highest sum of weights."""
    totals = dict.fromkeys(TAGS, 0.0)
    for feature in features:
        for each, weight in weights.get(feature, {}).items():
            totals[each] += weight
    return max((each for each in TAGS if allowed(before, each)), key=totals.__getitem__)


def tag(view: View, weights: Weights) -> list[str]:
    """Return a tag for each word."""
    tags: list[str] = []
    before = earlier = "^"
    for at in range(len(view.low)):
        general, lexical = view.features(at, before, earlier)
        earlier, before = before, best(general + lexical, weights, before)
        tags.append(before)
    return tags


def spans(words: Sequence[Word], tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return what the tags mark: its letter, start and end."""
    found: list[tuple[str, int, int]] = []
    for word, each in zip(words, tags, strict=True):
        if each[0] == "B":
            found.append((each[1], word.start, word.end))
        elif each[0] == "I":
            kind, start, _ = found[-1]
            found[-1] = (kind, start, word.end)
    return found


def lexicon(places: Mapping[str, str], common: Iterable[str]) -> Lexicon:
    """Return the lexicon with these places and small words; names are Faker's."""
    given, family = _names()
    return Lexicon(given, family, places, frozenset(common))


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    given: set[str] = set()
    family: set[str] = set()
    for module in pkgutil.iter_modules(people.__path__):
        provider = importlib.import_module(f"{people.__name__}.{module.name}").Provider
        for name in dir(provider):
            into = given if name.startswith("first_names") else family
            if name.startswith(("first_names", "last_names")):
                into.update(_parts(getattr(provider, name)))
    return frozenset(given), frozenset(family)


def _parts(names: object) -> Iterator[str]:
    if isinstance(names, Iterable):  # a provider can also have a property of that name
        for name in names:
            written = name[0] if isinstance(name, tuple) else name
            if isinstance(written, str):
                yield from (part.lower() for part in _NAME_PART.findall(written))


@cache
def shipped() -> Tagger:
    """Return the tagger whose weights come with Glideslope."""
    file = json.loads(resources.files(__package__).joinpath("names.json").read_text())
    places = {place: kind for kind in ("ci", "co") for place in file["places"][kind]}
    weights = {
        feature: {TAGS[int(at)]: weight for at, weight in each.items()}
        for feature, each in file["weights"].items()
    }
    return Tagger(weights, lexicon(places, file["common"]))
