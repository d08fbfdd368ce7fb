"""A drafted answer becomes a checked one: run the release's checks, then decide."""

import traceback
from collections.abc import Mapping
from typing import Final

import structlog

from services.validator.case import Case, could_not_check
from services.validator.checks import CHECKS, Check, support
from services.validator.routing import Route, decide, referred
from shared.events import AnswerChecked, AnswerDrafted, Confidence, Verdict
from shared.release import Release

_log: Final = structlog.get_logger(__name__)


def validate(
    draft: AnswerDrafted, release: Release, checks: Mapping[str, Check] = CHECKS
) -> tuple[AnswerChecked, Route]:
    """Check a draft by its release and say where it goes. Never fails open, and never raises."""
    verdicts = _verdicts(draft, release, checks)
    score = next(
        (v.score for v in verdicts if v.name == support.NAME and v.verdict != "could_not_check"),
        None,
    )
    decision = referred(draft) or decide(
        verdicts,
        score,
        release.thresholds,
        attempt=draft.attempt,
        answered=draft.answer is not None,
    )
    checked = AnswerChecked(
        **{name: getattr(draft, name) for name in AnswerDrafted.model_fields},
        checks=verdicts,
        confidence=Confidence(probability=score or 0.0, threshold=release.thresholds.approve),
        reason=decision.reason,
    )
    return checked, decision.route


def _verdicts(
    draft: AnswerDrafted, release: Release, checks: Mapping[str, Check]
) -> tuple[Verdict, ...]:
    if draft.answer is None:
        return ()
    case = Case(draft.request.question, draft.answer, draft.passages, release)
    return tuple(_verdict(name, case, checks) for name in dict.fromkeys(release.checks))


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
