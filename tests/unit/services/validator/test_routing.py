"""Every combination of verdicts, score, attempt and answer, against what must hold of each."""

from itertools import product

import pytest

from services.validator.routing import Decision, Route, decide
from shared.events import Verdict
from shared.release import Thresholds

THRESHOLDS = Thresholds(approve=0.8, refuse=0.3)
WORDS = ("passed", "failed", "could_not_check")
SCORES = (None, 0.0, 0.29, 0.3, 0.5, 0.79, 0.8, 1.0)

COMBINATIONS = [
    pytest.param(verdicts, score, attempt, answered, id=f"{verdicts}-{score}-{attempt}-{answered}")
    for verdicts, score, attempt, answered in product(
        product(WORDS, repeat=3), SCORES, (1, 2, 3), (True, False)
    )
]


def going(
    verdicts: tuple[str, ...], score: float | None, attempt: int, *, answered: bool
) -> Decision:
    names = ("citations", "figures", "personal_data")
    made = [
        Verdict.model_validate({"name": n, "verdict": v, "score": 0, "reason": f"{n} says {v}"})
        for n, v in zip(names, verdicts, strict=True)
    ]
    return decide(made, score, THRESHOLDS, attempt=attempt, answered=answered)


@pytest.mark.parametrize(("verdicts", "score", "attempt", "answered"), COMBINATIONS)
def test_what_holds_of_every_decision(
    verdicts: tuple[str, ...],
    score: float | None,
    attempt: int,
    answered: bool,
) -> None:
    decision = going(verdicts, score, attempt, answered=answered)
    route = decision.route
    has_failed = "failed" in verdicts
    has_unchecked = "could_not_check" in verdicts
    all_passed = not has_failed and not has_unchecked
    personal_data_failed = verdicts[2] == "failed"
    high, low = score is not None and score >= 0.8, score is not None and score < 0.3

    assert decision.reason
    # each way, exactly when
    assert (route is Route.APPROVED) == (answered and all_passed and high)
    assert (route is Route.REGENERATE) == (answered and has_failed and attempt == 1)
    assert (route is Route.REFUSAL) == (
        not answered or (personal_data_failed and attempt > 1) or (all_passed and low)
    )
    # and in words that a reviewer would use
    if answered and has_unchecked and not has_failed:
        assert route is Route.REVIEW
    if answered and has_failed and attempt > 1 and not personal_data_failed:
        assert route is Route.REVIEW
    if answered and all_passed and not high and not low:
        assert route is Route.REVIEW
    # a check that did not pass is named, with its reason
    if answered and has_failed:
        assert all(
            f"{name} says failed" in decision.reason
            for name, verdict in zip(
                ("citations", "figures", "personal_data"), verdicts, strict=True
            )
            if verdict == "failed"
        )


@pytest.mark.parametrize("score", SCORES)
def test_without_any_verdict_only_a_measured_score_could_approve(score: float | None) -> None:
    decision = decide([], score, THRESHOLDS, attempt=1, answered=True)
    assert (decision.route is Route.APPROVED) == (score is not None and score >= 0.8)


def test_contradictory_thresholds_never_approve_below_either() -> None:
    odd = Thresholds(approve=0.2, refuse=0.9)
    decision = decide([], 0.5, odd, attempt=1, answered=True)
    assert decision.route is Route.REFUSAL
