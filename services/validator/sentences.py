"""Sentences of a text, with their places.

Own splitter rather than pysbd: pysbd 0.3.4 is quadratic in the text (8 ms for 1,800 characters,
78 ms for 7,300) and ends a sentence at 'vs.' before a number, which filings are full of.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.validator.remembered import remembered


class Sentence(NamedTuple):
    """One sentence, without the space around it; `start` and `end` are places in the text."""

    text: str
    start: int
    end: int


_ABBREVIATION_LIST: Final = (
    "mr mrs ms dr prof sr jr st vs approx est fig figs no nos art sec inc corp co ltd llc plc bros "
    "dept govt jan feb mar apr jun jul aug sep sept oct nov dec al etc cf e.g i.e eu p pp "
    "vol ed cap para ch incl excl"
)
_ABBREVIATIONS: Final = frozenset(_ABBREVIATION_LIST.split())
_MAY_END_LIST: Final = "inc corp co ltd llc plc bros etc al bn mln mio mn"
_MAY_END: Final = frozenset(_MAY_END_LIST.split())
"""Abbreviations that end a sentence as often as not: a capital behind them decides."""
_COUNTRIES: Final = frozenset({"u.s", "u.k", "u.s.a", "e.u"})
"""Capitals go on behind these ('U.S. Treasury'): only a word that opens sentences decides."""
_OPENER_LIST: Final = "The In We It This Our As For On At He She They These That"
_OPENERS: Final = frozenset(_OPENER_LIST.split())

_BREAK: Final = re.compile(
    # one set first, which is searched for fast, and then what the character was
    r"[.!?…\n](?:(?<!\n)[.!?…]{0,2}[\"'\u201d\u2019)\]]{0,3}(?=\s)"
    r"|(?<=\n)(?=[^\S\n]{0,20}(?:\n|[-*•\u2013]\s|\(?\d{1,2}[.)]\s|\|)))"
)
_NEXT: Final = re.compile(r"\s{1,20}([^\s])(\w{0,20})")
_MARKER: Final = re.compile(r"\(?\d{1,2}[.)]?|[-*•\u2013|]{1,3}")
_SOMETHING: Final = re.compile(r"\w")


_LONGEST: Final = 1_000


def bounded(sentence: Sentence) -> Iterator[Sentence]:
    """Cut what is far too long for a sentence at white space, so that work on each is bounded."""
    start = 0
    while len(sentence.text) - start > _LONGEST:
        cut = sentence.text.rfind(" ", start + 1, start + _LONGEST) + 1
        cut = cut or sentence.text.rfind("\n", start + 1, start + _LONGEST) + 1 or start + _LONGEST
        yield Sentence(sentence.text[start:cut], sentence.start + start, sentence.start + cut)
        start = cut
    yield Sentence(sentence.text[start:], sentence.start + start, sentence.end)


@remembered(256)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text in their order; what holds no letter or digit is left out."""
    return tuple(_trimmed(text))


def _trimmed(text: str) -> Iterator[Sentence]:
    start = 0
    for end in [*_ends(text), len(text)]:
        piece = text[start:end]
        stripped = piece.strip()
        if stripped[:1].isalnum() or _SOMETHING.search(stripped):
            first = start + len(piece) - len(piece.lstrip())
            yield Sentence(stripped, first, first + len(stripped))
        start = end


def _ends(text: str) -> Iterator[int]:
    line = 0
    for match in _BREAK.finditer(text):
        if match[0] == "\n":
            line = match.end()
            yield match.end()
        elif not _goes_on(text, match, line):
            yield match.end()


def _goes_on(text: str, match: re.Match[str], line: int) -> bool:
    """Say whether the sentence goes on behind what looks like its end."""
    following = _NEXT.match(text, match.end())
    opener = following[1] + following[2] if following else ""
    if opener[:1].islower():
        return match[0].startswith((".", "…")) or opener in {"and", "or"}
    if match[0] != ".":
        return False
    before = _word_before(text, match.start(), line)
    if not before:
        return False
    if _MARKER.fullmatch(before + ".") and not text[line : match.start() - len(before)].strip():
        return True
    return _is_abbreviation(before, opener)


def _word_before(text: str, end: int, line: int) -> str:
    """Return the word that ends at a place of a line, or its last 20 characters."""
    piece = text[max(line, end - 20) : end]
    if not piece or piece[-1].isspace():
        return ""
    word = piece.rsplit(None, 1)[-1]
    for opening in '("\u201c':
        word = word.rpartition(opening)[2]
    return word


def _is_abbreviation(word: str, opener: str) -> bool:
    """Say whether a full stop behind `word`, before `opener`, is no end: 'Mr.', 'J.', 'U.S.'."""
    lower = word.lower()
    if lower in _MAY_END:
        return not opener[:1].isupper()
    if lower in _COUNTRIES:
        return opener not in _OPENERS
    return lower in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word.isupper())
