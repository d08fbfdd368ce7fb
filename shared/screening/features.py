"""What the linear models see of a text: its n-grams, how it begins and ends, its rules.

Nothing of it is about style that tells one collection of texts from another, such as length or
punctuation counts.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

_TOKEN: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\d+|[?!:<>{}\[\]#%\"“]"
)
_ASCII_TOKEN: Final = re.compile(r"[a-z]+|0(?!0)|[?!:<>{}\[\]#%\"]")
"""What `_TOKEN` is for ASCII that `_PLAIN` made of a text: of a number its last digit."""
_PLAIN: Final = str.maketrans(ascii_uppercase + digits, ascii_lowercase + "0" * len(digits))
_CONTENT: Final = 4
"""Letters of a word that says what a text is about."""
_STEM: Final = 5
_QUOTED: Final = re.compile(r"[\"'“‘][^\"'“”‘’]{2,}[\"'”’]")  # noqa: RUF001 - quotation marks


def tokens(text: str) -> list[str]:
    """Return the words and telling marks of a text, in lower case, any number as 0."""
    if text.isascii():
        return _ASCII_TOKEN.findall(text.translate(_PLAIN))
    return ["0" if each.isdigit() else each for each in _TOKEN.findall(text.lower())]


def grams(words: list[str]) -> set[str]:
    """Return the n-grams of up to three words; `^` stands before the first, `$` after the last."""
    framed = ["^", *words, "$"]
    twos = [f"{one} {two}" for one, two in pairwise(framed)]
    threes = [f"{two} {three}" for two, three in zip(twos, framed[2:], strict=False)]
    return {*framed, *twos, *threes}


def stems(words: Iterable[str]) -> set[str]:
    """Return the beginnings of the words that say what a text is about."""
    return {word[:_STEM] for word in words if len(word) >= _CONTENT}


def text_features(words: list[str], rules: Collection[str] = ()) -> dict[str, float]:
    """Return the features of a whole text: the vector has length one without its rules."""
    found = grams(words)
    weight = 1 / max(len(found), 1) ** 0.5
    return dict.fromkeys(found, weight) | {f"rule:{rule}": 1.0 for rule in rules}


def segment_features(
    segment: str, words: list[str], elsewhere: Mapping[str, int], rules: Collection[str] = ()
) -> dict[str, float]:
    """Return the features of a piece of a document: those of its words, and of it as a whole.

    `elsewhere` counts in how many of the document's pieces a stem stands.
    """
    recurring = {stem for stem, count in elsewhere.items() if count > 1}
    return text_features(words, rules) | whole_features(segment, words, stems(words), recurring)


WHOLE: Final = frozenset({"at home", "a stranger", "asks", "quotes", "short"})
"""The names of what is measured of a piece as a whole."""


def whole_features(
    segment: str, words: list[str], content: set[str], recurring: AbstractSet[str]
) -> dict[str, float]:
    """Return what is measured of a piece of a document as a whole; `content` are its stems.

    `recurring` are the stems that stand in several of the document's pieces: an instruction that
    was planted is about something else than its document.
    """
    found = {}
    if content:
        at_home = len(content & recurring) / len(content)
        found["at home"] = at_home
        found["a stranger"] = float(at_home == 0)
    found["asks"] = float(segment.rstrip().endswith("?"))
    found["quotes"] = float(bool(_QUOTED.search(segment)))
    found["short"] = float(len(words) < 4)  # noqa: PLR2004 - a heading or a cell
    return found
