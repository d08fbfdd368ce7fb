"""What kind of thing a question asks for, and whether an answer is of that kind."""

import re
from enum import Enum, auto
from typing import Final

from services.validator.grounding.words import Words

_COMPUTED: Final = re.compile(
    r"\b(?:percent\w*|portion|proportion|ratio|averages?|mean|change[sd]?|difference|increase[sd]?|"
    r"decrease[sd]?|decline[sd]?|growth|grow|grew|total|sum|combined|cumulative|margin|variation|"
    r"turnover|net\s+(?:change|increase)|how\s+(?:much|many)\s+(?:more|less|higher|lower)|"
    r"higher|lower|per\s+share|rate\s+of|return\s+on|multiple)\b",
    re.IGNORECASE,
)
_PIECES_LIST: Final = (
    "percent portion ratio average mean change difference increase decrease decline grow grew total"
    " sum combined cumulative margin variation turnover net more less higher lower share rate"
    " return multiple"
)
_PIECES: Final = _PIECES_LIST.split()
"""One of these is in all that `_COMPUTED` matches; looking for them is fast."""
_PERCENT: Final = re.compile(
    r"\b(?:what|which)\s+(?:\w+\s+){0,3}(?:percent(?:age|ual)?|portion|proportion|margin|share)\b"
    r"|\bpercent(?:age|ual)?\b|\b(?:growth|interest|tax|discount)\s+rate\b|%",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(r"\bhow\s+(?:much|many)\b", re.IGNORECASE)
_WHEN: Final = re.compile(
    r"\b(?:when|(?:what|which)\s+(?:fiscal\s+)?(?:year|date|quarter|month|day))\b", re.IGNORECASE
)
_IS: Final = re.compile(
    r"\A\W{0,3}(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b",
    re.IGNORECASE,
)
_DIGIT: Final = re.compile(r"\d")
_NUMBER_WORD: Final = re.compile(
    r"\b(?:no|none|zero|one|two|three|four|five|six|seven|eight|nine|ten|half|third|quarter|"
    r"hundred|thousand|million|dozen)\b",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|century)\b",
    re.IGNORECASE,
)
_ANY_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR: Final = re.compile(r"\s*\(?(?:19|20)\d\d\)?\.?\s*")


class Asked(Enum):
    """Kinds of what is asked for."""

    PERCENT = auto()
    QUANTITY = auto()
    TIME = auto()
    YES_OR_NO = auto()
    ANYTHING = auto()


def kind_asked(question: str) -> Asked:
    """Return what kind of thing a question asks for; most ask for anything."""
    if _IS.match(question):
        return Asked.YES_OR_NO
    if _PERCENT.search(question):
        return Asked.PERCENT
    if _COUNTED.search(question):
        return Asked.QUANTITY
    if _WHEN.search(question):
        return Asked.TIME
    return Asked.ANYTHING


def asks_for_computing(question: str) -> bool:
    """Say whether what is asked may have to be computed rather than read off."""
    pieced = any(map(question.casefold().__contains__, _PIECES))
    return pieced and _COMPUTED.search(question) is not None


def must_be_computed(question: str, known: frozenset[str]) -> bool:
    """Say whether what is asked is hardly written in passages whose stems are `known`.

    'Total sales of 2023' may well be a row; 'total sales of 2022 and 2023' is none, and neither is
    a percentage where the passages do not speak of any.
    """
    if not any(map(question.casefold().__contains__, _PIECES)):
        return False
    asked = [match[0].lower() for match in _COMPUTED.finditer(question)]
    if not asked:
        return False
    years = {match[0] for match in _ANY_YEAR.finditer(question)}
    return len(years) > 1 or any(not _stems(words) <= known for words in asked)


def _stems(words: str) -> frozenset[str]:
    return frozenset(Words.of(words).stems)


def fits_asked(question: str, answer: str) -> bool:
    """Say whether an answer holds the kind of thing asked for; in doubt it does."""
    kind = kind_asked(question)
    if kind is Asked.PERCENT:
        return _DIGIT.search(answer) is not None and _YEAR.fullmatch(answer) is None
    if kind is Asked.QUANTITY:
        has_number = _DIGIT.search(answer) or _NUMBER_WORD.search(answer)
        return has_number is not None and _YEAR.fullmatch(answer) is None
    if kind is Asked.TIME:
        return any(p.search(answer) for p in (_DIGIT, _MONTH, _NUMBER_WORD))
    return True
