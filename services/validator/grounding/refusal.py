"""Whether an answer refuses to answer, wholly or in part."""

import re
from enum import Enum
from functools import lru_cache
from typing import Final

from services.validator.sentences import sentences

_UNABLE: Final = (
    r"(?:answer|determine|provide|calculate|compute|find|give|say|tell|access|assess|"
    r"be\s(?:determined|calculated|answered|computed|found))"
)
_MISSING: Final = r"(?:provide|contain|include|mention|specify|state|give|address|disclose|offer)d?"
_OWN: Final = re.compile(
    rf"\bunable\sto\s(?:\w+\s)?{_UNABLE}"
    rf"|\b(?:i|we)\s(?:therefore\s)?can(?:not|'t|\u2019t)\s(?:\w+\s)?{_UNABLE}"
    r"|\b(?:cannot|can\snot|can't|can\u2019t)\sbe\s(?:determined|calculated|answered|computed)\b"
    r"|\b(?:i|we)\s(?:do\snot|don't|don\u2019t)\s(?:currently\s)?(?:have|see)\s(?:\w+[\s-]){0,2}"
    r"(?:access|enough|sufficient|information|data|details?)\b"
    r"|\b(?:i|you|we|one)\s?(?:'d|\u2019d|\swould)\s(?:\w+\s)?need\b"
    r"|\b(?:i'm|i\u2019m|i\sam)\s(?:sorry|unable)\b|\bi\sapologi[sz]e\b|\bas\san\sai\b"
    r"|\bas\sof\smy\s(?:last|knowledge)\b|\byou\s(?:haven't|haven\u2019t|have\snot)\sprovided\b"
    r"|\bimpossible\sto\s(?:\w+\s)?(?:say|tell|determine|calculate|answer)\b"
    r"|\bnot\senough\sinformation\b|\binsufficient\s(?:information|data|context|evidence)\b",
    re.IGNORECASE,
)
_OF_SOURCE: Final = re.compile(
    rf"\b(?:do(?:es)?|did)(?:n't|\u2019t|\snot)\s(?:\w+\s)?{_MISSING}\b"
    r"|\bnot\s(?:\w+ly\s)?(?:provided|mentioned|stated|specified|available|given|disclosed|"
    r"included|addressed)\b"
    r"|\bno\s(?:specific\s)?(?:information|mention|data|details?)\b"
    r"|\bwithout\s(?:further|more|additional|this|these)\s(?:information|data|details)\b",
    re.IGNORECASE,
)
_SOURCE: Final = re.compile(
    r"\b(?:passages?|context|information|filings?|documents?|evidence|text|excerpts?|data|report|"
    r"statements?|pages?)\b",
    re.IGNORECASE,
)
_CUES: Final = (
    "not", "'t", "\u2019t", "unable", "need", "sorry", "apologi", "my", "impossible",
    "insufficient", "without",
)  # fmt: skip
_SHORT_CUES: Final = (re.compile(r"no\s"), re.compile(r"ai\b"))
"""What no sentence refuses without, in lower case: most have none, which is found out fast."""
_MUCH: Final = 0.5


class Refusal(Enum):
    """How far an answer refuses."""

    NONE = 0
    PARTLY = 1
    WHOLLY = 2


# several checks ask it of the same sentences
@lru_cache(maxsize=1_024)
def refuses(sentence: str) -> bool:
    """Say whether a sentence says that something cannot be answered from what was given."""
    lower = sentence.lower()
    if not any(map(lower.__contains__, _CUES)) and not any(c.search(lower) for c in _SHORT_CUES):
        return False
    if _OWN.search(sentence):
        return True
    return _OF_SOURCE.search(sentence) is not None and _SOURCE.search(sentence) is not None


def refusal(answer: str) -> Refusal:
    """Say whether an answer opens by refusing or mostly refuses, mentions a gap, or neither.

    A gap that is only stated ('the filing does not say so in words. However, …') is no refusal.
    """
    said = sentences(answer)
    refusing = [refuses(sentence.text) for sentence in said]
    if not any(refusing):
        return Refusal.NONE
    if (refusing[0] and _OWN.search(said[0].text)) or sum(refusing) >= _MUCH * len(refusing):
        return Refusal.WHOLLY
    return Refusal.PARTLY
