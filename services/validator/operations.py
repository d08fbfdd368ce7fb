"""Which computations a text names: changes, differences, averages, sums, ratios."""

import re
from typing import Final

from services.validator.claims import Claim
from services.validator.directions import moves
from services.validator.facts import Fact
from services.validator.labels import stems
from services.validator.periods import years_of
from services.validator.remembered import remembered
from services.validator.units import PERCENT


class Named:
    """Pattern of what names a computation; what it was asked of before it knows.

    `pieces`: one of these is in all that it matches, where any are given; most texts have none,
    and looking for one costs a fiftieth of searching for the pattern.
    """

    def __init__(self, pattern: str, pieces: str = "") -> None:
        self._pattern = re.compile(pattern, re.IGNORECASE)
        self._pieces = pieces.split()
        # each figure of a sentence is asked about with the same sentence and question
        self.search = remembered(256)(self._search)

    def _search(self, text: str) -> re.Match[str] | None:
        if self._pieces and not any(map(text.casefold().__contains__, self._pieces)):
            return None
        return self._pattern.search(text)


CHANGE: Final = Named(
    r"\b(?:chang|increas|decreas|gr[eo]w|rose|ris|fell|fall|declin|drop|higher|lower|up\b|down\b|improv"
    r"|reduc|narrow|widen|expand|contract|shr[aiu]nk|differ|gain|more\b|less\b|variation|between|delta|exceed|yoy|year[\s-]over[\s-]year)",
    "chang increas decreas grew grow rose ris fell fall declin drop higher lower up down improv"
    " reduc narrow widen expand contract shr differ gain more less variation between delta exceed"
    " yoy over",
)
DIFFERENCE: Final = Named(
    r"\b(?:differ|more\b|less\b|exceed|higher|lower|greater|net\sof|between|gap|excluding|minus|spread)",
    "differ more less exceed higher lower greater net between gap excluding minus spread",
)
AVERAGE: Final = Named(r"\b(?:average|mean|averag)", "averag mean")
SUM: Final = Named(
    r"\b(?:total|sum|combined|together|altogether|aggregate|in\sall|cumulative)\b",
    "total sum combined together aggregate all cumulative",
)
RATIO: Final = Named(
    r"\b(?:ratio|percent|percentage|proportion|portion|share|margin|times|turnover|per|represent\w*"
    r"|account\w*|divided|relative|constitut\w*|compris\w*|fraction|as\sa|of\stotal|out\sof)\b|%",
)
_KINDS: Final = ((AVERAGE,), (SUM,), (CHANGE, DIFFERENCE), (Named(r"\bratio"),))
"""Computations of which none is another; a rise, a fall and a difference are the same."""
_MOVE: Final = "increase|decrease|decline|rise|drop|fall|reduction|improvement|growth|change"
_CHANGED: Final = re.compile(
    r"\b(?:percentage\schange|change\sin|changed\sby|difference\s(?:in|between)|growth\s(?:in|rate))\b",
    re.IGNORECASE,
)
_ASKED_CHANGE: Final = re.compile(
    rf"\b(?:what|calculate|compute|determine)\b(?:\s(?:was|is|were|are))?\sthe\s(?:[\w-]+\s){{0,2}}?(?:{_MOVE})\b"
    r"[^.;]{0,30}?\b(?:in|of|from|between)\b"
    r"|\bhow\smuch\s(?:did|has|have)\b.{0,150}"
    r"\b(?:increased?|decreased?|declined?|rise|risen|drop|fall|fallen|grow|grown|changed?)(?!\sto\b)\b",
    re.IGNORECASE,
)
"""What a question about a change has; a sentence may say it of something beside its figure."""
_BY: Final = re.compile(
    r"\b(?:grew|grown|rose|risen|fell|fallen|increased|decreased|declined|dropped|improved)\sby\s",
    re.IGNORECASE,
)
_COMBINED: Final = re.compile(
    r"\b(?:ratio\sof|sum\sof|as\sa\spercent(?:age)?\sof|together|combined|altogether)\b",
    re.IGNORECASE,
)


def names_another(sentence: str, question: str) -> bool:
    """Say whether a sentence names a computation of a kind that the question does not ask for."""
    return not _kinds(sentence) <= _kinds(question)


def _kinds(text: str) -> set[int]:
    return {at for at, kind in enumerate(_KINDS) if any(named.search(text) for named in kind)}


def names_only_what(claim: Claim, fact: Fact) -> bool:
    """Say whether all computations that a claim's words name are in the name of a fact's row.

    'Total assets' asks for no sum where a row is called so.
    """
    said = f"{claim.sentence} {claim.question}"
    asked = [named for named in _ALL if named.search(said)]
    several = len(years_of(claim.spoken | claim.asked)) > 1
    return bool(asked) and not several and all(named.search(fact.label) for named in asked)


_ALL: Final = (AVERAGE, SUM, CHANGE, DIFFERENCE, RATIO)


def must_be_computed(claim: Claim, fact: Fact) -> bool:
    """Say whether a claim names a computation of which a table's cell is no result by itself."""
    text = f"{claim.sentence} {claim.question}" if claim.bare else claim.clause
    if not fact.is_cell or fact.is_change:
        return False
    named = fact.words | fact.context
    if AVERAGE.search(text) and not named & _MEANS:
        return True
    level = all(amount.unit != PERCENT for amount in fact.amounts)
    moved = level and claim.direction and not moves(fact.label)  # 'less allowances' moves nothing
    if moved and not named & (_CHANGES if _BY.search(text) else _RESULTS):
        return True
    if _CHANGED.search(text) and not named & _CHANGES:
        return True
    if claim.bare and level and _ASKED_CHANGE.search(claim.question):
        return not named & _CHANGES
    return bool(_COMBINED.search(text) and not named & _SUMS and not RATIO.search(fact.label))


_MEANS: Final = stems("average mean weighted")
_CHANGES: Final = stems(
    "change increase decrease growth difference variance gain improvement reduction decline"
    " movement"
)
_SUMS: Final = _CHANGES | stems("total ratio percentage margin combined sum")
_RESULTS: Final = _SUMS | stems("net")
