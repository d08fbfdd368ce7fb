"""A text as a model reads it: without invisible characters, look-alike letters or wide forms.

Whoever hides an instruction counts on a screen that shows less than the model gets. What is
hidden is made visible, and every character still knows where in the original it stands.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

_TAGS: Final = range(0xE0020, 0xE007F)
"""Tag characters: an invisible copy of ASCII. Source: Unicode 16, chart E0000."""
_TAG_BLOCK: Final = range(0xE0000, 0xE0080)
_BLACK_FLAG: Final = "\U0001f3f4"
"""What tag characters are for: they follow it and make the flag of England, Scotland, Wales."""
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors, 16 and 240: 256 invisible values, enough to write bytes with."""
_SELECTORS_IN_A_ROW: Final = 4
_JOINERS: Final = frozenset("\u200b\u200c\u200d\u2060\ufeff")
_OVERRIDES: Final = frozenset("\u202d\u202e")
_SPLIT_WORDS: Final = 2
"""Letters split by joiners, from where on it is no accident of copying."""

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_FOREIGN: Final = re.compile(r"[\u0370-\u058f\u13a0-\u13ff]")
_OTHERS: Final = re.compile(r"[^\x00-\x7f]++")
_UNUSUAL: Final = re.compile(
    "[\u00ad\u0370-\u058f\u0600-\u0605\u061c\u06dd\u070f\u08e2\u13a0-\u13ff\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
"""Characters that are not shown, and alphabets whose letters pass for Latin ones."""
_LATIN: Final = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Hidden:
    """Something that a reader does not see: what it is, where, and what it says, if anything."""

    reason: str
    start: int
    end: int
    says: str = ""


@dataclass(frozen=True, slots=True)
class Plain:
    """The text as it is read. `origin[i]` is where character `i` stands in the original."""

    text: str
    origin: tuple[int, ...] | None
    length: int
    hidden: tuple[Hidden, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the plain text stands in the original."""
        if self.origin is None or start >= end:
            return start, end
        return self.origin[start], self.origin[end - 1] + 1


def plain(text: str) -> Plain:
    """Return the text as it is read: in NFKC, and mixed alphabets as the Latin they mimic."""
    if text.isascii():
        return Plain(text, None, len(text))
    others = "".join(_OTHERS.findall(text))  # few: the set of unusual ones is slow to search for
    if not _UNUSUAL.search(others) and unicodedata.is_normalized("NFKC", text):
        return Plain(text, None, len(text))
    characters: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(text):
        for shown in _shown(character):
            characters.append(shown)
            origin.append(at)
    read = _without_mixed_alphabets("".join(characters))
    return Plain(read, tuple(origin), len(text), tuple(_hidden(text)))


def _shown(character: str) -> str:
    if character.isascii():
        return character
    point = ord(character)
    if unicodedata.category(character) == "Cf" or _is_selector(point):
        return ""
    return unicodedata.normalize("NFKC", character)


def _is_selector(point: int) -> bool:
    return any(point in block for block in _SELECTORS)


def _hidden(text: str) -> list[Hidden]:
    return [*_tags(text), *_bytes(text), *_joiners(text), *_overrides(text)]


_TAG_RUN: Final = re.compile("[\U000e0000-\U000e007f]+")


def _tags(text: str) -> list[Hidden]:
    return [
        Hidden("invisible tag characters", run.start(), run.end(), _untagged(run[0]))
        for run in _TAG_RUN.finditer(text)
        if text[run.start() - 1 : run.start()] != _BLACK_FLAG
    ]


def _untagged(run: str) -> str:
    return "".join(chr(ord(tag) - _TAG_BLOCK.start) for tag in run if ord(tag) in _TAGS)


_SELECTOR_RUN: Final = re.compile(f"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{{{_SELECTORS_IN_A_ROW},}}")


def _bytes(text: str) -> list[Hidden]:
    return [
        Hidden("bytes in variation selectors", run.start(), run.end(), _from_selectors(run[0]))
        for run in _SELECTOR_RUN.finditer(text)
    ]


def _from_selectors(run: str) -> str:
    first, second = _SELECTORS
    values = (
        ord(each) - first.start if ord(each) in first else ord(each) - second.start + len(first)
        for each in run
    )
    return bytes(values).decode(errors="replace")


_SPLIT: Final = re.compile("(?<=[A-Za-z])[\u200b\u200c\u200d\u2060\ufeff]+(?=[A-Za-z])")


def _joiners(text: str) -> list[Hidden]:
    if _JOINERS.isdisjoint(text):
        return []
    found = list(_SPLIT.finditer(text))
    if len(found) < _SPLIT_WORDS:
        return []
    return [Hidden("invisible characters inside words", found[0].start(), found[-1].end())]


def _overrides(text: str) -> list[Hidden]:
    found = [at for at, character in enumerate(text) if character in _OVERRIDES]
    return [Hidden("characters that reverse the writing direction", at, at + 1) for at in found[:1]]


def _without_mixed_alphabets(text: str) -> str:
    if not (_FOREIGN.search(text) and _LATIN.search(text)):
        return text
    return _WORD.sub(lambda word: _latin(word[0]), text)


def _latin(word: str) -> str:
    # a word all in one alphabet is a word of that language
    if not (_FOREIGN.search(word) and _LATIN.search(word)):
        return word
    return "".join(map(_look_alike, word))


@cache
def _look_alike(character: str) -> str:
    if character.isascii():
        return character
    from confusable_homoglyphs import confusables  # noqa: PLC0415 - 20 MB for one text in thousands

    found = confusables.is_confusable(character, preferred_aliases=["latin"])
    same = [each["c"] for each in found[0]["homoglyphs"]] if found else []
    return next((each for each in same if len(each) == 1 and each.isascii()), character)
