"""How instructions to a model give themselves away, whoever they are put to: rules.toml, read."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib import resources
from itertools import chain
from operator import eq
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """`words`, `glances`, `marks`: where a rule has any, one of them must be in the text.

    `also`: where it has any, one of these words must be there as well. `doubled`: so must a word
    twice in a row. `alone`: is enough to flag.
    """

    name: str
    reason: str
    pattern: re.Pattern[str]
    words: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    glances: tuple[re.Pattern[str], ...] = ()
    marks: tuple[str, ...] = ()
    doubled: bool = False
    alone: bool = True

    @property
    def is_worded(self) -> bool:
        """Say whether only words tell where to look for it."""
        return bool(self.words) and not (self.glances or self.marks)

    def find(self, text: str, words: AbstractSet[str]) -> re.Match[str] | None:
        """Return the first place where it holds in a text of these words."""
        if self.also and self.also.isdisjoint(words):
            return None
        if self.doubled and not has_doubled(text):
            return None
        looks = (
            not (self.words or self.glances or self.marks)
            or not self.words.isdisjoint(words)
            or any(mark in text for mark in self.marks)
            or any(glance.search(text) for glance in self.glances)
        )
        return self.pattern.search(text) if looks else None


@dataclass(frozen=True, slots=True)
class Match:
    """A rule and where it holds."""

    rule: Rule
    start: int
    end: int


def matches(
    text: str, words: AbstractSet[str], rules: Iterable[Rule] | None = None
) -> Iterator[Match]:
    """Yield the first place of each rule that holds; `words` are the text's, in lower case.

    `rules` are those to try; None is all of them.
    """
    for rule in _likely(words) if rules is None else rules:
        if found := rule.find(text, words):
            yield Match(rule, *found.span())


def has_doubled(text: str) -> bool:
    """Say whether the same word stands twice in a row, with nothing but space, '.' and ',' between.

    Of a word that is said over and over, only the first and the last can have other marks.
    """
    words = text.lower().translate(_AS_SPACE).split()
    return any(map(eq, words, words[1:]))


_AS_SPACE: Final = str.maketrans(",.", "  ")


def _rules() -> Iterator[Rule]:
    file = tomllib.loads(resources.files(__package__).joinpath("rules.toml").read_text("utf-8"))
    for each in file["rule"]:
        found = "|".join(each["any"])
        found = found.replace("{TOLD}", file["TOLD"]).replace("{EARLIER}", file["EARLIER"])
        yield Rule(
            each["name"],
            each["reason"],
            re.compile(found, re.IGNORECASE | re.MULTILINE),
            words=frozenset(each.get("words", "").split()),
            also=frozenset(each.get("also", "").split()),
            glances=tuple(map(re.compile, each.get("glances", ()))),
            marks=tuple(each.get("marks", ())),
            doubled=each.get("doubled", False),
            alone=each.get("alone", True),
        )


RULES: Final = tuple(_rules())
"""Every rule, and what it says of a text in which it holds."""
_BY_WORD: Final = {
    word: [at for at, rule in enumerate(RULES) if word in rule.words]
    for word in frozenset[str]().union(*(rule.words for rule in RULES))
}
_BY_NO_WORD: Final = [at for at, rule in enumerate(RULES) if not rule.is_worded]


def _likely(words: AbstractSet[str]) -> Iterator[Rule]:
    """Return the rules that a text's words leave possible, in their order."""
    named = chain.from_iterable(_BY_WORD[word] for word in _BY_WORD.keys() & words)
    return (RULES[at] for at in sorted({*_BY_NO_WORD, *named}))
