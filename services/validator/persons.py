"""Whether a question asks for somebody, and whether an answer speaks of anybody at all.

Names are told by their capitals and roles by their endings and a short list. In doubt somebody
is named: what is not, names neither a person nor a body nor a role nor one of 'we' and 'they'.
"""

import re
from collections.abc import Iterable
from typing import Final

from services.validator.grounding.words import STOP_WORDS

_WHO: Final = re.compile(
    r"\A\W{0,9}(?:and\s|so\s)?(?:(?:by|to|for|from|with)\s)?whom?\b", re.IGNORECASE
)
_NAME_WITHIN: Final = re.compile(r"(?<=[\w,;)]\s)[(\"']?[A-Z]|[\w.]@\w")
_FIRST: Final = re.compile(r"(?:\A|[.!?:]\s{1,9}|\n\W{0,9})([A-Z][\w'-]*)")
_WORD: Final = re.compile(r"[\w'-]+")
_SOMEBODY: Final = re.compile(
    r"\b(?:\w{2,}(?:er|or|ee|ist|ant|ent|ian|yst|man|men|woman|women)s?|boards?|committees?|"
    r"chairs?|heads?|chiefs?|deput(?:y|ies)|secretar(?:y|ies)|staff|teams?|desks?|groups?|units?|"
    r"departments?|banks?|companies|company|firms?|offices?|bod(?:y|ies)|authorit(?:y|ies)|"
    r"agenc(?:y|ies)|courts?|states?|parties|party|part(?:ner)?s?|funds?|associates?|experts?|"
    r"persons?|people|publics?|peers?|guards?|crews?|clerks?|nurses?|counsels?|colleagues?|"
    r"any(?:one|body)|no(?:body)?|every(?:one|body)|some(?:one|body)|none|all|both|"
    r"i|we|us|you|he|she|they|them|those|who(?:ever)?)\b",
    re.IGNORECASE,
)


def asks_who(question: str) -> bool:
    """Say whether a question asks for a person, a body or a role, and for nothing else."""
    return _WHO.match(question) is not None


def names_somebody(answer: str, passages: Iterable[str]) -> bool:
    """Say whether an answer speaks of anybody.

    A word that begins a sentence is a name where the passages never have it in lower case.
    """
    if _NAME_WITHIN.search(answer) or _SOMEBODY.search(answer):
        return True
    begins = {word.lower() for word in _FIRST.findall(answer)} - STOP_WORDS
    if not begins:
        return False
    plain = {word for text in passages for word in _WORD.findall(text)}
    return any(word not in plain for word in begins)
