"""What is found out about each figure of an answer: where it stands, or what is wrong with it."""

from collections.abc import Sequence
from typing import Final

from services.validator.claims import Claim, claims_of
from services.validator.echoes import Change, changes_of, stands_verbatim
from services.validator.evidence import read_evidence
from services.validator.judging import finding, judge
from services.validator.remembered import make_room, remembered
from services.validator.status import FigureFinding, Status
from services.validator.working import CONSTANTS, computed, is_constant, repeats

__all__ = ["FigureFinding", "Status", "examine", "examined"]

_MOST_WORK: Final = 200_000
"""Figures of an answer times facts of its passages that are compared at most: about a second."""
_FEWEST: Final = 20


@remembered(16)
def examined(question: str, answer: str, passages: tuple[str, ...]) -> tuple[FigureFinding, ...]:
    """Return what `examine` does; several checks ask of the same answer in a row."""
    return examine(question, answer, passages)


def examine(question: str, answer: str, passages: Sequence[str]) -> tuple[FigureFinding, ...]:
    """Return what is found out about each figure of `answer`, in its order. Pure; raises nothing.

    `question` says what a bare figure is about; `passages` are all texts that it may stand in,
    each with its title in front. List markers and references such as '[1]' are no figures.
    """
    make_room()
    passages = tuple(passages)
    claims = list(claims_of(question, answer))
    findings: list[FigureFinding] = []
    repeated = _Repeated(passages)
    most = _FEWEST
    if len(claims) > _FEWEST:
        most = max(_FEWEST, _MOST_WORK // max(1, len(read_evidence(passages).all)))
    for index, claim in enumerate(claims):
        if index >= most:
            findings.append(
                finding(claim, Status.UNREADABLE, 1.0, "is one figure too many to check")
            )
            continue
        # an answer that only quotes needs no facts
        found = repeated.judge(claim) or judge(claim, read_evidence(passages))
        if not found.status.is_right and claim.amounts:
            found = _by_working(answer, claims, index, findings) or found
        findings.append(found)
    return tuple(findings)


class _Repeated:
    """Judges figures of sentences that repeat a passage's sentence, sentence by sentence."""

    def __init__(self, passages: tuple[str, ...]) -> None:
        self._passages = passages
        self._offset = -1
        self._verbatim = False
        self._changes: list[Change] = []

    def judge(self, claim: Claim) -> FigureFinding | None:
        """Return what the repetition says of a claim; None where it says nothing."""
        if claim.offset != self._offset:
            self._offset = claim.offset
            self._verbatim = stands_verbatim(claim.sentence, self._passages)
            self._changes = (
                [] if self._verbatim else changes_of(claim.sentence, claim.offset, self._passages)
            )
        if self._verbatim:
            return finding(claim, Status.EXACT, 1.0)
        figure = claim.figure
        for change in self._changes:
            if change.kind == "period" and figure.start <= change.start < figure.end:
                reason = f"the same sentence stands there with '{change.instead}'"
                return finding(claim, Status.ELSEWHERE_PERIOD, 0.8, reason)
            if change.kind == "way" and claim.amounts and change.end <= figure.start:
                self._changes = [c for c in self._changes if c is not change]
                reason = f"the same sentence stands there with '{change.instead}'"
                return finding(claim, Status.SIGN, 0.8, reason)
        return None


def _by_working(
    answer: str, claims: Sequence[Claim], index: int, findings: Sequence[FigureFinding]
) -> FigureFinding | None:
    """Judge a figure by the working that the answer shows for it."""
    claim = claims[index]
    if is_constant(claim, answer):
        return finding(claim, Status.DERIVED, 0.5, "a constant of the computation")
    right = [found.status.is_right for found in findings]
    known = [other for other, is_right in zip(claims, right, strict=False) if is_right]
    if repeats(claim, known):
        return finding(claim, Status.EXACT, 0.6, "given before with its scale")
    usable = [ok or _is_plain(other) for other, ok in zip(claims, right, strict=False)]
    value = computed(answer, claims, index, usable)
    if value is True:
        return finding(claim, Status.DERIVED, 0.8, "computed as the answer says")
    if value is False:
        return None
    return finding(claim, Status.ABSENT, 0.9, f"the computation gives {value:.6g}")


def _is_plain(claim: Claim) -> bool:
    return all(amount.unit is None and amount.value in CONSTANTS for amount in claim.amounts)
