"""An answer's claims: its sentences, each with what was found out about its figures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Final

from services.validator.findings import FigureFinding, Status, examined
from services.validator.grounding.arithmetic import Equation, equations
from services.validator.grounding.asking import asks_for_computing
from services.validator.grounding.lexicon import lexicon
from services.validator.grounding.refusal import Refusal, refusal, refuses
from services.validator.grounding.source import Evidence, without_marks
from services.validator.grounding.words import Words
from services.validator.sentences import sentences

_FEW: Final = 3
_SOME: Final = 3
_DENSE: Final = 0.07
"""Figures a word, from which on an answer is about figures."""
_REST: Final = r"(?:(?!\bthat\s)[^\d.:;,]){0,80}"
"""What may follow a phrase that claims nothing: no figure, and no clause of its own."""
_HELP: Final = (
    r"(?:i\scan|(?:i(?:['\u2019](?:d|m)|\swould|\sam)\s)?(?:be\s)?(?:happy|glad|here)\sto)"
    rf"\s(?:help|assist|answer\syour\squestion)\b{_REST}"
)
_OFFER: Final = re.compile(
    r"\W{0,3}(?:if\s(?:you|there)\b[^\d.:;]{1,250},\s)?(?:please\s|and\s)?"
    rf"(?:let\sme\sknow\b{_REST}|feel\sfree\sto\s(?:ask|reach|contact)\b{_REST}"
    rf"|(?:i\s)?hope\s(?:this|that)\s(?:helps|clarifies)(?:\s(?:you|it|things))?|{_HELP})"
    r"\W{0,5}\Z",
    re.IGNORECASE,
)
_OFFERS: Final = ("know", "free", "hope", "help", "assist")
"""What no offer is without."""
_OPENING: Final = re.compile(
    r"\W{0,3}(?:sure|certainly|of\scourse|great\squestion)\b"
    rf"(?:[,!]?\s(?:{_HELP}|here(?:['\u2019]s|\sis|\sare)\b{_REST}:))?[!:.]?\Z",
    re.IGNORECASE,
)
_ASKING: Final = 2
_GENERIC: Final = frozenset(
    Words.of(
        "summarize summarise summary summaries give provide write describe text document passage "
        "context conversation transcript call email mail message content key main points please "
        "following answer statement claim brief short sentence"
    ).stems
)
_FRAMING: Final = _GENERIC | frozenset(
    Words.of(
        "yes correct here's based confident confidently sufficient enough necessary infer none"
    ).stems
)
"""Words in which an answer speaks of itself: 'Yes.', 'The passages are sufficient to answer.'"""
_UNITS: Final = frozenset(Words.of("percent percentage basis points bps").stems)
"""Words where others write a sign: '12 basis points' is as bare a figure as '12%'."""


class Kind(StrEnum):
    """What sort of answer it is; each is judged by coefficients of its own."""

    PROSE = "prose"
    """Sentences that answer a question."""
    WORKED = "worked"
    """Sentences that answer a question by figures: copied, compared or computed."""
    SUMMARY = "summary"
    """Sentences that say what a text says: nothing more particular was asked."""
    FIGURE = "figure"
    """A bare figure, with hardly a word around it."""
    REFUSAL = "refusal"
    """Says that the passages do not answer, and little else."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, from `start` to `end` of its text."""

    text: str
    start: int
    end: int
    words: Words
    content: tuple[str, ...]
    findings: tuple[FigureFinding, ...]
    refuses: bool

    @property
    def is_heading(self) -> bool:
        """Say whether it only says what follows."""
        return self.text.rstrip("* ").endswith(":")


@dataclass(frozen=True, slots=True)
class Statement:
    """An answer taken apart, beside what was asked and the evidence."""

    question: str
    asked: frozenset[str]
    """The content of the question."""
    answer: str
    kind: Kind
    claims: tuple[Claim, ...]
    sums: tuple[Equation, ...]
    evidence: Evidence
    passages: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether it claims nothing that could be looked up."""
        return not any(claim.content or claim.findings for claim in self.claims)

    @property
    def is_unbacked(self) -> bool:
        """Say whether all that some claim says is new, or there are no passages to back it."""
        known, words = self.evidence.words | self.asked, lexicon()
        return not self.evidence.words or any(
            all(stemmed not in known and words.same(stemmed).isdisjoint(known) for stemmed in said)
            for claim in self.claims
            if not claim.refuses and not claim.is_heading
            if (said := frozenset(claim.content) - _FRAMING)
        )

    @property
    def bare(self) -> tuple[int, ...]:
        """The places of the bare figures, as '$512 million.', that an answer opens or ends with.

        Within a longer one they are its steps: 'Boil for 15 minutes.'
        """
        short = [
            not claim.refuses and not claim.is_heading and _size(claim) <= _FEW
            for claim in self.claims
        ]
        first = sum(1 for _ in takewhile(bool, short))
        last = len(short) - sum(1 for _ in takewhile(bool, reversed(short)))
        return tuple(
            place
            for place, claim in enumerate(self.claims)
            if claim.findings and (place < first or place >= last)
        )


def read(question: str, answer: str, passages: Sequence[str]) -> Statement:
    """Take an answer apart and look its figures up. The order of the passages does not matter."""
    ordered = tuple(sorted(passages))
    plain = without_marks(answer)  # of the same length: places stay
    sums = equations(plain)
    findings = _with_sums(examined(question, answer, ordered), sums)
    claims = tuple(
        _claim(plain, s.start, s.end, findings)
        for s in sentences(answer)
        if not _is_pleasantry(s.text)
    )
    asked = frozenset(Words.of(question).content)
    return Statement(
        question,
        asked,
        answer,
        _kind(question, asked, answer, claims, sums),
        claims,
        sums,
        Evidence.of(ordered),
        ordered,
    )


def _is_pleasantry(sentence: str) -> bool:
    """Say whether a sentence claims nothing: it offers help, or agrees to give it."""
    lower = sentence.lower()
    offers = any(map(lower.__contains__, _OFFERS)) and _OFFER.match(sentence) is not None
    return offers or _OPENING.match(sentence) is not None


def _claim(plain: str, start: int, end: int, findings: Sequence[FigureFinding]) -> Claim:
    text = plain[start:end]
    words = Words.of(text)
    inside = tuple(f for f in findings if f.start < end and f.end > start)
    return Claim(text, start, end, words, words.content, inside, refuses(text))


def _kind(
    question: str,
    asked: frozenset[str],
    answer: str,
    claims: Sequence[Claim],
    sums: Sequence[Equation],
) -> Kind:
    content = sum(map(_size, claims))
    if content <= _FEW and (content == 0 or any(claim.findings for claim in claims)):
        return Kind.FIGURE
    # 'leasing meaning' has one word and asks for something all the same
    if len(asked - _GENERIC) < _ASKING and (not asked or asked & _GENERIC):
        return Kind.SUMMARY
    if refusal(answer) is Refusal.WHOLLY and 2 * sum(c.refuses for c in claims) >= len(claims):
        return Kind.REFUSAL
    figures = sum(len(claim.findings) for claim in claims)
    words = sum(len(claim.words.written) for claim in claims)
    dense = figures >= _SOME and figures >= _DENSE * words
    if sums or (dense and asks_for_computing(question)):
        return Kind.WORKED
    return Kind.PROSE


def _size(claim: Claim) -> int:
    return sum(stemmed not in _UNITS for stemmed in claim.content)


def _with_sums(
    findings: Sequence[FigureFinding], sums: Sequence[Equation]
) -> tuple[FigureFinding, ...]:
    """Take the result of a sum that is written out and holds for computed, not for absent."""
    results = [s for s in sums if s.holds]
    return tuple(
        FigureFinding(f.text, f.start, f.end, Status.DERIVED, 0.5, "the sum written there holds")
        if f.status is Status.ABSENT and any(f.start < s.end and f.end > s.start for s in results)
        else f
        for f in findings
    )
