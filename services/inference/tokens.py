"""Text as the words that are searched for: the same for passages and for questions."""

import re
import threading
import unicodedata
from functools import lru_cache
from typing import Final

import snowballstemmer

# A number keeps its decimals and loses its separators; an abbreviation with an ampersand is one
# word (R&D, PP&E); anything else is a run of letters and digits.
_WORD: Final = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]*\d)|\d+(?:\.\d+)?|[^\W\d_]+(?:&[^\W\d_]+)+|[^\W_]+"
)
FISCAL_YEAR: Final = re.compile(r"fy(\d{2}|\d{4})$")
"""A fiscal year as one word: its year, of two digits or four, is the first group."""
_CENTURY: Final = "20"

STOPWORDS: Final = frozenset(
    """
    a about above after again against all am an and any are as at be because been before being
    below between both but by can could did do does doing down during each few for from further
    had has have having he her here hers him his how i if in into is it its itself just me more
    most my no nor not now of off on once only or other our ours out over own please s same she
    should so some such t than that the their theirs them then there these they this those
    through to too under until up us very was we were what when where which while who whom whose
    why will with would you your yours
    """.split()  # noqa: SIM905 - a wall of quotes would be harder to read
)
"""English words that say nothing about what a text is about."""

_stemmer = snowballstemmer.stemmer("english")
_stemming = threading.Lock()  # a stemmer holds the word it works on


def tokens(text: str) -> list[str]:
    """Return the text's words in order: NFKC, lower case, stemmed (English), no stop words.

    Numbers are kept whole: '3,200' is '3200'. A fiscal year is also found by its year: 'FY19'
    gives 'fy19' and '2019'.
    """
    found: list[str] = []
    for word in words(text):
        if word in STOPWORDS:
            continue
        found.append(_stem(word))
        if year := FISCAL_YEAR.match(word):
            found.append(year[1] if len(year[1]) > len(_CENTURY) else _CENTURY + year[1])
    return found


def words(text: str) -> list[str]:
    """Return the text's words as they stand, but for case, NFKC and separators in numbers."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return [word.replace(",", "") for word in _WORD.findall(plain)]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    with _stemming:
        return str(_stemmer.stemWord(word))
