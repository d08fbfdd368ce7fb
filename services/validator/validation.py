"""A drafted answer becomes a checked one: run the release's checks, then decide."""

import traceback
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from services.validator import judge
from services.validator.case import Case, could_not_check
from services.validator.checks import CHECKS, Check, groundedness, verbatim
from services.validator.grounding.model import model_digest
from services.validator.population import unlike
from services.validator.routing import Confidence, Decision, Route, decide, referred, unanswered
from shared import collector, events
from shared.events import Answer, AnswerChecked, AnswerDrafted, Passage, Verdict
from shared.release import BUILT_IN, Release

_log: Final = structlog.get_logger(__name__)


def prepare() -> None:
    """Load what the checks read when they first run, so that the first answer need not wait.

    An answer takes thousands of small objects, which are gone when it is judged. Looking for
    cycles among them after each 700 is a tenth of all work, and falls on single answers.
    """
    passage = Passage(id="", document_id="", locator="", text="Sales were $3 million in 2023.")
    # 'key' has the detectors of secrets loaded, which takes 0.2 s
    answer = Answer(text="Sales rose to $4 million in 2024. The key figure did not fall.")
    run(CHECKS, Case("What were sales?", answer, (passage,), BUILT_IN), CHECKS)
    collector.look_seldom()


def validate(
    draft: AnswerDrafted, release: Release, checks: Mapping[str, Check] = CHECKS
) -> tuple[AnswerChecked, Route]:
    """Check a draft by its release and say where it goes. Never fails open, and never raises."""
    verdicts: tuple[Verdict, ...] = ()
    shadows: tuple[Verdict, ...] = ()
    case = case_of(draft, release)
    if case is not None:
        verdicts, shadows = judged(release.checks, case, checks)
        decision = route(case, verdicts, release, attempt=draft.attempt)
    else:
        decision = unanswered(draft.passages)
    decision = referred(draft) or decision
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


def case_of(draft: AnswerDrafted, release: Release) -> Case | None:
    """Return what is to be judged of a draft; None where it has no answer."""
    if draft.answer is None:
        return None
    return Case(draft.request.question, draft.answer, draft.passages, release)


def judged(
    names: Iterable[str], case: Case, checks: Mapping[str, Check]
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...]]:
    """Return the verdicts of the named checks, and those that are recorded and decide nothing.

    These are the release's shadow checks, and a judge that was unavailable where the release
    says to do without it.
    """
    release = case.release
    verdicts = run(names, case, checks)
    ignored = tuple(v for v in verdicts if judge.is_ignored(v, release.judge))
    deciding = tuple(v for v in verdicts if v not in ignored)
    return deciding, (*run(release.shadow_checks or (), case, checks), *ignored)


def run(names: Iterable[str], case: Case, checks: Mapping[str, Check]) -> tuple[Verdict, ...]:
    """Return the verdict of each named check, once; one that breaks could not check."""
    return tuple(_verdict(name, case, checks) for name in dict.fromkeys(names))


def route(case: Case, verdicts: tuple[Verdict, ...], release: Release, *, attempt: int) -> Decision:
    """Say where an answer goes by its verdicts."""
    probability = _score(verdicts, groundedness.NAME)
    certificate = release.calibration.certificate if release.calibration else None
    difference = None
    if certificate is not None and probability is not None:
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
