"""Every combination of verdicts, confidence, calibration and attempt, and what must hold of it."""

from itertools import product

import pytest

from services.validator.routing import Confidence, Decision, Route, decide
from shared.calibration import Calibration
from shared.events import Verdict
from shared.release import Thresholds
from tests.unit.services.validator.certificates import certified

THRESHOLDS = Thresholds(approve=0.8, refuse=0.3)
WORDS = ("passed", "failed", "could_not_check")
NAMES = ("citations", "personal_data", "refusal")
SCORES = (None, 0.0, 0.29, 0.3, 0.79, 0.8, 1.0)
CALIBRATIONS = {
    "never": None,
    "refused": Calibration(refused="too few"),
    "empty": Calibration(),
    "certified": certified(0.8),
}

COMBINATIONS = list(
    product(
        product(WORDS, repeat=3),
        SCORES,
        (True, False),
        (None, "too many figures"),
        CALIBRATIONS,
        (1, 2, 3),
    )
)


def going(
    verdicts: tuple[str, ...],
    confidence: Confidence,
    calibration: str,
    attempt: int,
) -> Decision:
    made = [
        Verdict.model_validate({"name": n, "verdict": v, "score": 0, "reason": f"{n} says {v}"})
        for n, v in zip(NAMES, verdicts, strict=True)
    ]
    return decide(made, confidence, THRESHOLDS, CALIBRATIONS[calibration], attempt=attempt)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_what_holds_of_every_decision(calibration: str) -> None:
    for verdicts, score, quoted, unlike, how, attempt in COMBINATIONS:
        if how != calibration:
            continue
        confidence = Confidence(score, quoted=quoted, unlike=unlike)
        decision = going(verdicts, confidence, calibration, attempt)
        route = decision.route
        has_failed, has_unchecked = "failed" in verdicts, "could_not_check" in verdicts
        all_passed = not has_failed and not has_unchecked
        high, low = score is not None and score >= 0.8, score is not None and score < 0.3
        final = verdicts[1] == "failed" or verdicts[2] == "failed"
        sure = {
            "never": quoted,
            "refused": False,
            "empty": False,
            "certified": high and unlike is None,
        }[calibration]
        hopeless = calibration == "certified" and low

        assert decision.reason
        # each way, exactly when
        assert (route is Route.APPROVED) == (all_passed and sure)
        assert (route is Route.REGENERATE) == (has_failed and attempt == 1)
        assert (route is Route.REFUSAL) == (
            (has_failed and final and attempt > 1) or (all_passed and hopeless)
        )
        # a check that did not pass is named, with its reason
        if has_failed:
            for name, verdict in zip(NAMES, verdicts, strict=True):
                assert verdict != "failed" or f"{name} says failed" in decision.reason


def test_why_nothing_is_approved_is_said() -> None:
    sure = Confidence(0.99)
    refused = decide([], sure, THRESHOLDS, CALIBRATIONS["refused"], attempt=1)
    assert "too few" in refused.reason
    never = decide([], sure, THRESHOLDS, None, attempt=1)
    assert "no certificate" in never.reason
    unlike = decide(
        [],
        Confidence(0.99, unlike="too many figures"),
        THRESHOLDS,
        CALIBRATIONS["certified"],
        attempt=1,
    )
    assert "too many figures" in unlike.reason


def test_contradictory_thresholds_never_approve_below_either() -> None:
    odd = Thresholds(approve=0.2, refuse=0.9)
    decision = decide([], Confidence(0.5), odd, certified(0.2), attempt=1)
    assert decision.route is Route.REFUSAL
