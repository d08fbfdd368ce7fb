"""Which way a text says that things went, and which words take a minus sign's place."""

import re
from typing import Final

from services.validator.remembered import remembered

_UP: Final = (
    r"increas\w*|ris(?:e|es|en|ing)|rose|grew|grow(?:s|th|n|ing)?|gained|climb\w*|up|higher"
    r"|improv\w*|expand\w*|rais\w*|widen\w*|more|greater|surg\w*|exceed\w*|above|jump\w*|growth"
)
_DOWN: Final = (
    r"decreas\w*|declin\w*|fell|fall(?:s|en|ing)?|drop\w*|down|lower\w*|reduc\w*|shr[aiu]nk\w*"
    r"|less|fewer|contract(?:ed|ion|ing)|deteriorat\w*|narrow\w*|below|smaller|plung\w*|slid"
)
_WAY: Final = re.compile(rf"(?<![\w-])(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b", re.IGNORECASE)
_MINUS: Final = re.compile(
    rf"(?<!\()\b(?:loss(?:es)?|lost|negative|minus|deficits?|shortfall|outflows?|used|{_DOWN})\b",
    re.IGNORECASE,
)
_LEVELS: Final = "to|at|from|of|was|were|is|reached|reaching|totaled|totalled|against"
_LEVEL: Final = re.compile(
    rf"\b(?:{_LEVELS})\s*"
    r"(?:approximately|about|nearly|over|a\s(?:total|record)\sof|around)?\s*[($€£¥]*\s*\Z",
    re.IGNORECASE,
)
_ENDS: Final = tuple(f"{_LEVELS}|approximately|about|nearly|over|around".split("|"))
"""With what a text ends, in lower case and before marks of money, that `_LEVEL` is found in."""
_OF_CHANGE: Final = re.compile(
    rf"\b(?:{_UP}|{_DOWN}|change|difference|variance)\s(?:\w+\s){{0,12}}?(?:of|was|were|is)\s*"
    r"(?:approximately|about|nearly|over|around)?\s*[($€£¥-]*\s*\Z",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(
    r"[;.!?](?=\s)|,\s(?:and|while|but|compared|whereas)\b|\s(?:while|but|whereas)\s"
)
_BEFORE: Final = 90
_AFTER: Final = 24


def direction(text: str, start: int, end: int) -> int:
    """Return 1 or -1 where the figure at `start` to `end` is the size of a rise or a fall, else 0.

    In 'rose 5% to $3 million' that is the 5% only: the $3 million is where it went.
    """
    before = _CLAUSE.split(text[max(0, start - _BEFORE) : start])[-1]
    after = _CLAUSE.split(text[end : end + _AFTER])[0]
    if following := _WAY.match(after.lstrip(" )-,")):
        return 1 if following["up"] else -1
    ends = before.lower().rstrip().rstrip("($€£¥").rstrip().endswith(_ENDS)
    if ends and _LEVEL.search(before) and not _OF_CHANGE.search(before):
        return 0
    ways = list(_WAY.finditer(before))
    return 0 if not ways else 1 if ways[-1]["up"] else -1


# asked of a sentence for each value that a figure in it may be
@remembered(1_024)
def way_of(text: str) -> int:
    """Return 1 or -1 where a text names rises or falls only; 0 for neither, or for both."""
    up = down = False
    for match in _WAY.finditer(text):
        up, down = up or bool(match["up"]), down or bool(match["down"])
    return int(up) - int(down)


def moves(text: str) -> bool:
    """Say whether a text names a rise or a fall."""
    return _WAY.search(text) is not None


def says_minus(text: str) -> bool:
    """Say whether a text has a word that makes a positive figure negative: 'loss', 'decrease'."""
    return _MINUS.search(text) is not None
