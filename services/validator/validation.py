"""A drafted answer becomes a checked one: run the release's checks, then decide."""

import traceback
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from services.validator.case import Case, could_not_check
from services.validator.checks import CHECKS, Check, groundedness, verbatim
from services.validator.grounding.model import model_digest
from services.validator.population import unlike
from services.validator.routing import Confidence, Decision, Route, decide, referred
from shared import events
from shared.events import AnswerChecked, AnswerDrafted, Verdict
from shared.release import Release

_log: Final = structlog.get_logger(__name__)


def validate(
    draft: AnswerDrafted, release: Release, checks: Mapping[str, Check] = CHECKS
) -> tuple[AnswerChecked, Route]:
    """Check a draft by its release and say where it goes. Never fails open, and never raises."""
    verdicts: tuple[Verdict, ...] = ()
    shadows: tuple[Verdict, ...] = ()
    case = None
    if draft.answer is not None:
        case = Case(draft.request.question, draft.answer, draft.passages, release)
        verdicts = run(release.checks, case, checks)
        shadows = run(release.shadow_checks or (), case, checks)
    decision = referred(draft) or route(case, verdicts, release, attempt=draft.attempt)
    checked = AnswerChecked(
        **{name: getattr(draft, name) for name in AnswerDrafted.model_fields},
        checks=verdicts,
        shadow_checks=shadows,
        confidence=events.Confidence(
            probability=_score(verdicts, groundedness.NAME) or 0.0, threshold=threshold(release)
        ),
        reason=decision.reason,
    )
    return checked, decision.route


def run(names: Iterable[str], case: Case, checks: Mapping[str, Check]) -> tuple[Verdict, ...]:
    """Return the verdict of each named check, once; one that breaks could not check."""
    return tuple(_verdict(name, case, checks) for name in dict.fromkeys(names))


def route(
    case: Case | None, verdicts: tuple[Verdict, ...], release: Release, *, attempt: int
) -> Decision:
    """Say where an answer goes by its verdicts; without a case there is no answer."""
    probability = _score(verdicts, groundedness.NAME)
    certificate = release.calibration.certificate if release.calibration else None
    difference = None
    if case is not None and certificate is not None and probability is not None:
        difference = (
            unlike(case.assessment, certificate.population)
            if certificate.model == model_digest()
            else "this validator's coefficients are not those that were calibrated"
        )
    confidence = Confidence(
        probability, quoted=_score(verdicts, verbatim.NAME) == 1, unlike=difference
    )
    return decide(
        verdicts,
        confidence,
        release.thresholds,
        release.calibration,
        attempt=attempt,
        answered=case is not None,
    )


def threshold(release: Release) -> float:
    """Return from which probability on a release approves: its certificate's, if it has one."""
    certificate = release.calibration.certificate if release.calibration else None
    return certificate.threshold if certificate else release.thresholds.approve


def _score(verdicts: Iterable[Verdict], name: str) -> float | None:
    return next(
        (v.score for v in verdicts if v.name == name and v.verdict != "could_not_check"), None
    )


def _verdict(name: str, case: Case, checks: Mapping[str, Check]) -> Verdict:
    if name not in checks:
        return could_not_check(name, "this validator has no check of that name")
    try:
        return checks[name](case)
    except Exception as error:  # noqa: BLE001 - whatever breaks a check, a person decides then
        # the error's own text can hold the answer's content
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = type(error).__name__
        _log.error("check_broke", check=name, error=kind, at=f"{place.filename}:{place.lineno}")
        return could_not_check(name, f"the check broke ({kind})")
