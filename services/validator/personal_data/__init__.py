"""Personal data in a text: numbers that identify, ways to reach somebody, names, places, dates.

Types are named as Presidio names them. A number that carries a check is reported only when the
check holds; one that could as well be a figure, only where a word before it says what it is.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final

from services.validator.personal_data import called, names, recognisers
from services.validator.personal_data.finding import WORDS, PersonalData

__all__ = ["TYPES", "WORDS", "PersonalData", "find"]

TYPES: Final = frozenset(WORDS)
_BY_NAME: Final = frozenset({"PERSON", "LOCATION"})
_RANK: Final = {kind: rank for rank, kind in enumerate(WORDS)}
_DIGIT: Final = re.compile(r"\d")


def find(
    text: str, types: Collection[str] = TYPES, tagger: names.Tagger | None = None
) -> list[PersonalData]:
    """Return what there is of the types in a text, in its order, no two overlapping.

    `tagger` finds names; None is the one that comes with Glideslope.
    """
    found = [*recognisers.find(text, types)]
    if _DIGIT.search(text):
        found += [each for each in called.find(text) if each.type in types]
    if not _BY_NAME.isdisjoint(types):
        found += [each for each in (tagger or names.shipped()).find(text) if each.type in types]
    return _apart(found)


def _apart(found: Iterable[PersonalData]) -> list[PersonalData]:
    """Keep the surer of any two that overlap, by type, then by length."""
    kept: list[PersonalData] = []
    for each in sorted(found, key=lambda f: (_RANK[f.type], f.start - f.end, f.start)):
        if not any(map(each.overlaps, kept)):
            kept.append(each)
    return sorted(kept, key=lambda each: each.start)
