"""What a model replied, read as claims with citations, and word of all that had to be put right.

Models name passages by document, mistake one for another, quote from memory and leave out what an
ellipsis stands for. What can be traced to a passage is traced: a citation that leaves here stands
in it word for word, or is left out. What the checks must judge, such as a claim that cites
nothing, is left for them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.inference.extractive import extract
from services.inference.models.errors import UnusableError
from services.inference.models.reply import found_in
from shared.events import Answer, Citation, Claim, Passage

_ELLIPSIS: Final = re.compile(r"\s*(?:\[\s*(?:\.\.\.|…)\s*\]|\.\.\.|…)\s*")
_NUMBER: Final = re.compile(r"\d+")
_KINDS: Final = (
    "'\u2019\u2018\u201b`\u00b4",  # apostrophes and single quotation marks
    '"\u201c\u201d\u201e\u00ab\u00bb',  # quotation marks
    "-\u2010\u2011\u2012\u2013\u2014\u2212",  # hyphens, dashes, minus
)
_ALIKE: Final = {c: f"[{kind}]" for kind in _KINDS for c in kind}
"""Characters that models write for one another."""
_QUOTES: Final = " \t\r\n'" + _KINDS[1]


@dataclass(slots=True)
class Reading:
    """What was understood. `answer` is None when the model says that the passages hold none."""

    answer: Answer | None = None
    claims: tuple[Claim, ...] = ()
    repairs: list[str] = field(default_factory=list)


def read(reply: str, passages: Sequence[Passage]) -> Reading:
    """Read a model's reply. Raises `UnusableError` when there are no claims in it."""
    said, repairs = found_in(reply)
    reading = Reading(repairs=repairs)
    claims = [claim for claim in _list(said.get("claims")) if _text(claim)]
    if said.get("answerable") is False:
        if claims:
            reading.repairs.append("claims of a reply that says it has no answer are left out")
        return reading
    if not claims:
        raise UnusableError("the reply is JSON, but holds no claims")
    citations: dict[Citation, int] = {}
    read_claims = []
    for number, claim in enumerate(claims, start=1):
        found = _citations(claim, number, passages, reading)
        indices = tuple(dict.fromkeys(citations.setdefault(c, len(citations)) for c in found))
        if not indices:
            reading.repairs.append(f"claim {number} rests on nothing that stands in the passages")
        read_claims.append(Claim(text=_text(claim), citations=indices))
    reading.claims = tuple(read_claims)
    reading.answer = Answer(
        text="\n".join(claim.text for claim in read_claims), citations=tuple(citations)
    )
    return reading


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(claim: Any) -> str:
    told = claim.get("text") or claim.get("claim") if isinstance(claim, dict) else claim
    return " ".join(told.split()) if isinstance(told, str) else ""


def _citations(
    claim: Any, number: int, passages: Sequence[Passage], reading: Reading
) -> list[Citation]:
    found: list[Citation] = []
    for citation in _list(claim.get("citations")) if isinstance(claim, dict) else []:
        told = citation if isinstance(citation, dict) else {"passage": citation}
        named = _named(told, passages)
        quote = told.get("quote")
        if isinstance(quote, str) and quote.strip(_QUOTES):
            found += _quoted(quote, named, number, passages, reading)
        elif named is not None:
            best = extract(_text(claim), [named], sentences=1)
            reading.repairs.append(
                f"claim {number} cites passage {passages.index(named) + 1} without a quote: "
                + ("the sentence nearest to the claim is quoted" if best else "left out")
            )
            found += best
        else:
            reading.repairs.append(f"claim {number} cites a passage that was not given: left out")
    return found


def _named(told: dict[str, Any], passages: Sequence[Passage]) -> Passage | None:
    """Return the passage that a citation names, by its number, or by its document or id."""
    name = next((told[key] for key in ("passage", "number", "id", "document") if key in told), None)
    digits = _NUMBER.findall(str(name)) if name is not None else []
    if isinstance(name, str) and (
        by_name := [p for p in passages if name in {p.id, p.document_id, p.title}]
    ):
        return by_name[0]
    if len(digits) == 1 and 1 <= int(digits[0]) <= len(passages):
        return passages[int(digits[0]) - 1]
    return None


def _quoted(
    quote: str,
    named: Passage | None,
    number: int,
    passages: Sequence[Passage],
    reading: Reading,
) -> list[Citation]:
    found = []
    for part in filter(None, (p.strip(_QUOTES) for p in _ELLIPSIS.split(quote))):
        others = [passage for passage in passages if passage is not named]
        for passage in ([named] if named else []) + others:
            span, is_exact = _span(part, passage.text)
            if span is None:
                continue
            if passage is not named:
                reading.repairs.append(
                    f"a quote of claim {number} stands in passage {passages.index(passage) + 1}, "
                    "and not in the one that it names"
                )
            elif not is_exact:
                reading.repairs.append(f"a quote of claim {number} is set as its passage has it")
            found.append(
                Citation(document_id=passage.document_id, locator=passage.locator, quote=span)
            )
            break
        else:
            reading.repairs.append(f"a quote of claim {number} stands in no passage: left out")
    return found


def _span(quote: str, text: str) -> tuple[str | None, bool]:
    """Return the stretch of `text` that a quote means, and whether it was quoted exactly.

    White space never counts; as a second choice neither do letters' case and the kinds of quotation
    marks and dashes.
    """
    if not any(character.isalnum() for character in quote):
        return None, False
    words = quote.split()
    exact = re.search(r"\s+".join(map(re.escape, words)), text)
    if exact:
        return exact.group(), True
    loose = re.search(
        r"\s+".join("".join(_ALIKE.get(c, re.escape(c)) for c in word) for word in words),
        text,
        re.IGNORECASE,
    )
    return (loose.group(), False) if loose else (None, False)
