"""What is found out about each figure of an answer: where it stands, or what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.validator.attribution import (
    Search,
    contradicted,
    date_elsewhere,
    nearest_scale,
    search,
)
from services.validator.claims import Claim, claims_of, significant
from services.validator.derivations import derive, must_be_computed, names_computation
from services.validator.echoes import Change, changes_of, stands_verbatim
from services.validator.evidence import Evidence, read_evidence
from services.validator.facts import Fact
from services.validator.figures import read_figures
from services.validator.periods import Periods, order
from services.validator.working import CONSTANTS, computed, is_constant, repeats


class Status(StrEnum):
    """What became of one figure of an answer. The names are stable: models are fitted on them."""

    EXACT = "exact"
    """It stands in a passage, under the period, row, unit and sign that the answer gives it."""
    DERIVED = "derived"
    """It is computed rightly from figures that stand there."""
    ASKED = "asked"
    """It only repeats the question."""
    ELSEWHERE_PERIOD = "elsewhere_period"
    """It stands there for another year, quarter or date."""
    ELSEWHERE_ROW = "elsewhere_row"
    """It stands there for something else: another row, column or subject."""
    UNIT = "unit"
    """It stands there in another unit or currency."""
    SIGN = "sign"
    """It stands there with the other sign: a loss for a profit, a rise for a fall."""
    SCALE = "scale"
    """Its digits stand there in another scale: millions for billions, percent for basis points."""
    ABSENT = "absent"
    """It stands nowhere, and nothing that the answer names gives it."""
    UNREADABLE = "unreadable"
    """It cannot be read as a number or date, and does not stand there literally."""

    @property
    def is_right(self) -> bool:
        """Say whether a figure of this status is supported."""
        return self in _RIGHT


_RIGHT: Final = frozenset({Status.EXACT, Status.DERIVED, Status.ASKED})


@dataclass(frozen=True, slots=True)
class FigureFinding:
    """What was found out about the figure at `start` to `end` of the answer's text.

    `confidence`, 0 to 1: how sure the status is; a figure whose words match its row is surer than
    one that merely stands somewhere. `reason`: why, in words for a reviewer; '' for a right one
    that needs none.
    """

    text: str
    start: int
    end: int
    status: Status
    confidence: float
    reason: str = ""


def examine(question: str, answer: str, passages: Sequence[str]) -> tuple[FigureFinding, ...]:
    """Return what is found out about each figure of `answer`, in its order. Pure; raises nothing.

    `question` says what a bare figure is about; `passages` are all texts that it may stand in,
    each with its title in front. List markers and references such as '[1]' are no figures.
    """
    evidence = read_evidence(tuple(passages))
    claims = list(claims_of(question, answer))
    findings: list[FigureFinding] = []
    repeated = _Repeated(tuple(passages))
    for index, claim in enumerate(claims):
        finding = repeated.judge(claim) or _examined(claim, evidence)
        if not finding.status.is_right and claim.amounts:
            finding = _by_working(answer, claims, index, findings) or finding
        findings.append(finding)
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
            return _finding(claim, Status.EXACT, 1.0)
        figure = claim.figure
        for change in self._changes:
            if change.kind == "period" and figure.start <= change.start < figure.end:
                reason = f"the same sentence stands there with '{change.instead}'"
                return _finding(claim, Status.ELSEWHERE_PERIOD, 0.8, reason)
            if change.kind == "way" and claim.amounts and change.end <= figure.start:
                self._changes = [c for c in self._changes if c is not change]
                reason = f"the same sentence stands there with '{change.instead}'"
                return _finding(claim, Status.SIGN, 0.8, reason)
        return None


def _by_working(
    answer: str, claims: Sequence[Claim], index: int, findings: Sequence[FigureFinding]
) -> FigureFinding | None:
    """Judge a figure by the working that the answer shows for it."""
    claim = claims[index]
    if is_constant(claim, answer):
        return _finding(claim, Status.DERIVED, 0.5, "a constant of the computation")
    right = [finding.status.is_right for finding in findings]
    known = [other for other, is_right in zip(claims, right, strict=False) if is_right]
    if repeats(claim, known):
        return _finding(claim, Status.EXACT, 0.6, "given before with its scale")
    usable = [ok or _is_plain(other) for other, ok in zip(claims, right, strict=False)]
    value = computed(answer, claims, index, usable)
    if value is True:
        return _finding(claim, Status.DERIVED, 0.8, "computed as the answer says")
    if value is False:
        return None
    return _finding(claim, Status.ABSENT, 0.9, f"the computation gives {value:.6g}")


def _is_plain(claim: Claim) -> bool:
    return all(amount.unit is None and amount.value in CONSTANTS for amount in claim.amounts)


def _examined(claim: Claim, evidence: Evidence) -> FigureFinding:
    if claim.dates:
        return _date(claim, evidence)
    if not claim.amounts:
        return _literal(claim, evidence)
    found = search(claim, evidence)
    if found.found:
        return _standing(claim, evidence, found)
    if not found.other_unit and (derivation := derive(claim, evidence)):
        return _finding(claim, Status.DERIVED, 0.8, f"computed: {derivation.text}")
    if _is_asked(claim) or _is_span(claim):
        return _finding(claim, Status.ASKED, 0.5, "the question has it")
    return _missing(claim, evidence, found)


def _is_span(claim: Claim) -> bool:
    """Say whether a figure counts the years that are named: '3 years' from 2017 to 2019."""
    years = {d.year for d in claim.spoken | claim.asked if d.year}
    spans = {max(years) - min(years), max(years) - min(years) + 1, len(years)} if years else set()
    return any(a.value in spans and a.unit in {None, "year"} for a in claim.amounts)


def _standing(claim: Claim, evidence: Evidence, found: Search) -> FigureFinding:
    """Judge a figure whose value stands in the passages."""
    best = found.found[0]
    if best.period is False:
        if derivation := derive(claim, evidence):
            return _finding(claim, Status.DERIVED, 0.6, f"computed: {derivation.text}")
        reason = f"{_shown(best.fact)} stands there for {_dates(best.fact.periods)}, not {_dates(claim.when)}"
        return _finding(claim, Status.ELSEWHERE_PERIOD, 0.9 if claim.periods else 0.7, reason)
    small = all(significant(a) < 2 and a.unit in _COUNTED for a in claim.amounts)  # noqa: PLR2004 - '2' is everywhere
    small = small or claim.in_working
    if found.better is not None and not small:
        if names_computation(claim) and (derivation := derive(claim, evidence)):
            return _finding(claim, Status.DERIVED, 0.6, f"computed: {derivation.text}")
        reason = (
            f"{_shown(best.fact)} stands there for {_label(best.fact)}, "
            f"but for {_label(found.better)} it is {_shown(found.better)}"
        )
        return _finding(claim, Status.ELSEWHERE_ROW, 0.8, reason)
    if not small and must_be_computed(claim, best.fact):
        if derivation := derive(claim, evidence):
            return _finding(claim, Status.DERIVED, 0.8, f"computed: {derivation.text}")
        reason = f"{_shown(best.fact)} stands there for {_label(best.fact)} itself"
        return _finding(claim, Status.ELSEWHERE_ROW, 0.7, reason)
    return _finding(claim, Status.EXACT, 0.5 + best.score / 2)


def _missing(claim: Claim, evidence: Evidence, found: Search) -> FigureFinding:
    """Judge a figure whose value stands nowhere as it is claimed."""
    if found.other_sign:
        fact = found.other_sign[0].fact
        return _finding(
            claim,
            Status.SIGN,
            0.8,
            f"there it is {_shown(fact)} for {_label(fact)}: the sign differs",
        )
    if found.other_unit:
        fact = found.other_unit[0].fact
        return _finding(claim, Status.UNIT, 0.9, f"there it is {_shown(fact)}: the unit differs")
    if near := nearest_scale(claim, evidence):
        return _finding(claim, Status.SCALE, 0.9, f"there it is {_shown(near)}: the scale differs")
    few = all(a.unit in _COUNTED and a.value <= _FEW for a in claim.amounts)
    sure = 0.9 if not few or contradicted(claim, evidence) else 0.3
    return _finding(claim, Status.ABSENT, sure, "stands in no passage and follows from none")


_COUNTED: Final = frozenset({None, "times", "ordinal", "year", "quarter", "month"})
_FEW: Final = 10
"""Up to this an answer may count what it lists itself, or say 'three' for several."""


def _date(claim: Claim, evidence: Evidence) -> FigureFinding:
    if not any(text.holds(claim.figure) for text in evidence.texts):
        if _is_asked(claim):
            return _finding(claim, Status.ASKED, 0.5, "the question has it")
        return _finding(claim, Status.ABSENT, 0.9, "no passage has this date")
    if other := date_elsewhere(claim, evidence):
        reason = f"of {_label(other)} the passages say {_shown(other)}"
        return _finding(claim, Status.ELSEWHERE_PERIOD, 0.7, reason)
    return _finding(claim, Status.EXACT, 0.8)


def _literal(claim: Claim, evidence: Evidence) -> FigureFinding:
    """Judge what is no amount: digits of a name, or what cannot be read."""
    if any(text.holds(claim.figure) for text in evidence.texts):
        return _finding(claim, Status.EXACT, 0.7)
    if _is_asked(claim):
        return _finding(claim, Status.ASKED, 0.5, "the question has it")
    if claim.figure.name:
        return _finding(claim, Status.ABSENT, 0.9, "no passage has this name")
    return _finding(claim, Status.UNREADABLE, 0.9, "cannot be read as a number or date")


def _is_asked(claim: Claim) -> bool:
    return read_figures(claim.question).holds(claim.figure)


def _shown(fact: Fact) -> str:
    return f"'{fact.written}'"


def _label(fact: Fact) -> str:
    return f"'{fact.label[:60]}'"


def _dates(periods: Periods) -> str:
    return " or ".join(str(date) for date in sorted(periods, key=order))


def _finding(claim: Claim, status: Status, confidence: float, reason: str = "") -> FigureFinding:
    figure = claim.figure
    return FigureFinding(figure.text, figure.start, figure.end, status, confidence, reason)
