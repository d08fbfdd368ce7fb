"""Pairs about sentences: one that stands in a passage, or is true of it, and its edited twin."""

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final

from evals.pairs import Pair, transposed

_OTHER_SCALE: Final = {"thousand": "million", "million": "billion", "billion": "million"}
_POINTS: Final = (" basis points", " bps")
_MONEY: Final = re.compile(
    r"(?P<currency>[$€£])\s?(?P<digits>\d[\d,.]*\d)(?P<scale>\s(?:million|billion|thousand))?"
)
_PERCENT: Final = re.compile(r"(?P<digits>\d+(?:\.\d+)?)(?P<sign>\s?%)(?!\w)")
_YEAR: Final = re.compile(r"(?<![\w$,.])(?:19|20)\d{2}(?![\w,.%]\d)(?!\w)")
_QUARTER: Final = re.compile(r"\b(?P<word>first|second|third|fourth)(?=[\s-]quarter)")
_DIRECTION: Final = re.compile(
    r"\b(?:increased|decreased|rose|fell|grew|declined|increase|decrease)\b"
)
_OPPOSITE: Final = {
    "increased": "decreased", "decreased": "increased", "rose": "fell", "fell": "rose",
    "grew": "declined", "declined": "grew", "increase": "decrease", "decrease": "increase",
}  # fmt: skip
_NEXT_QUARTER: Final = {"first": "second", "second": "third", "third": "fourth", "fourth": "third"}


def prose_pairs(
    sentence: str, passage: str, group: str, source: str, *, question: str = ""
) -> Iterator[Pair]:
    """Return the pairs that edits of a sentence make, which the passage has or makes true."""
    random = Random(f"7 {sentence}")  # noqa: S311 - the same pairs every time
    for kind, edit in _PROSE_EDITS.items():
        wrong = edit(sentence, random)
        if wrong and wrong != sentence and not _stands(wrong, passage):
            yield Pair(kind, group, source, question, (passage,), sentence, wrong)


def _stands(text: str, passage: str) -> bool:
    return " ".join(text.split()) in " ".join(passage.split())


def _replaced(match: re.Match[str] | None, group: str, text: str) -> str | None:
    if match is None or match[group] is None:
        return None
    return match.string[: match.start(group)] + text + match.string[match.end(group) :]


def _prose_scale(sentence: str, _: Random) -> str | None:
    match = next((m for m in _MONEY.finditer(sentence) if m["scale"]), None)
    scale = match["scale"].strip() if match and match["scale"] else ""
    return _replaced(match, "scale", f" {_OTHER_SCALE[scale]}") if scale else None


def _prose_year(sentence: str, random: Random) -> str | None:
    years = list(_YEAR.finditer(sentence))
    if not years or not (_MONEY.search(sentence) or _PERCENT.search(sentence)):
        return None
    match = random.choice(years)
    return sentence[: match.start()] + str(int(match[0]) - 1) + sentence[match.end() :]


def _prose_digits(sentence: str, random: Random) -> str | None:
    for pattern in (_MONEY, _PERCENT):
        for match in pattern.finditer(sentence):
            if wrong := transposed(match["digits"], [], random):
                return _replaced(match, "digits", wrong)
    return None


def _prose_sign(sentence: str, _: Random) -> str | None:
    found = list(_DIRECTION.finditer(sentence))
    if len(found) != 1 or not (_MONEY.search(sentence) or _PERCENT.search(sentence)):
        return None
    match = found[0]
    return sentence[: match.start()] + _OPPOSITE[match[0]] + sentence[match.end() :]


_PROSE_EDITS: Final[Mapping[str, Callable[[str, Random], str | None]]] = {
    "scale": _prose_scale,
    "year": _prose_year,
    "quarter": lambda s, _: (
        (m := _QUARTER.search(s)) and _replaced(m, "word", _NEXT_QUARTER[m["word"]])
    ),
    "basis": lambda s, r: _replaced(_PERCENT.search(s), "sign", r.choice(_POINTS)),
    "currency": lambda s, r: (
        (m := _MONEY.search(s))
        and _replaced(m, "currency", r.choice([c for c in "$€£" if c != m["currency"]]))
    ),
    "digits": _prose_digits,
    "sign": _prose_sign,
}
