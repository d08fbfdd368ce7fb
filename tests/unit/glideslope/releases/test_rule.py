from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from glideslope.releases.outcomes import Outcome, Route
from glideslope.releases.rule import MeasureName, Rule, WatchSettings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def outcome(
    release: str, conversation: str, route: Route = "approved", seconds: float | None = 1.0
) -> Outcome:
    return Outcome(
        release=release,
        conversation=conversation,
        received_at=NOON,
        at=NOON,
        route=route,
        is_answered=route in {"approved", "review"},
        support=0.9 if route in {"approved", "review"} else None,
        seconds=seconds,
        cost=0,
    )


def fed(rule: Rule, count: int, **canary: object) -> Rule:
    for number in range(count):
        rule.add(outcome("a", f"a-{number}"))
        rule.add(outcome("b", f"b-{number}", **canary))  # type: ignore[arg-type] # a route or time
    return rule


def settings(*measures: MeasureName, minimum: int = 30) -> WatchSettings:
    return WatchSettings(watch_measures=measures, watch_minimum=minimum)


@pytest.mark.parametrize(
    ("measure", "canary"),
    [
        ("approval_rate", {"route": "review"}),
        ("approval_rate", {"route": "refusal"}),
        ("answer_rate", {"route": "refusal"}),
        ("failures", {"route": "failed", "seconds": None}),
        ("latency", {"seconds": 11.0}),
    ],
)
def test_a_canary_that_is_worse_raises_the_alarm_of_that_measure(
    measure: MeasureName, canary: dict[str, object]
) -> None:
    finding = fed(Rule("b", "a", settings(measure)), 60, **canary).alarm()
    assert finding is not None
    assert (finding.measure, finding.canary, finding.control) == (measure, 1, 0)
    assert finding.evidence >= finding.needed == 20
    assert "bad in 100.0% of 60 conversations" in str(finding)


def test_a_canary_like_the_rest_raises_none() -> None:
    rule = fed(Rule("b", "a", WatchSettings()), 200)
    assert rule.alarm() is None
    assert [each.canaries for each in rule.findings()] == [200, 200, 200]


def test_nothing_is_rolled_back_before_the_least_number_of_conversations() -> None:
    assert fed(Rule("b", "a", settings("approval_rate")), 29, route="review").alarm() is None
    few = settings("approval_rate", minimum=10)
    assert fed(Rule("b", "a", few), 29, route="review").alarm() is not None


def test_several_measures_share_the_chance_of_a_false_alarm() -> None:
    (first, *_) = Rule("b", "a", WatchSettings()).findings()
    assert first.needed == pytest.approx(3 / 0.05)
    assert str(first) == "answer_rate: nothing yet"


def test_a_conversation_is_one_witness_however_often_it_asks() -> None:
    rule = Rule("b", "a", settings("approval_rate", minimum=1))
    for _ in range(200):
        rule.add(outcome("a", "one"))
        rule.add(outcome("b", "other", "review"))
    assert rule.alarm() is None


def test_only_the_promoted_release_is_the_control_and_every_other_where_none_is() -> None:
    counts = []
    for control in ("a", None):
        rule = Rule("b", control, settings("approval_rate"))
        rule.add(outcome("b", "1"))
        for number, release in enumerate(("a", "c", "d")):
            rule.add(outcome(release, f"x-{number}"))
            rule.add(outcome("b", f"y-{number}"))
        (finding,) = rule.findings()
        counts.append(finding.controls)
    assert counts == [1, 3]


def test_a_measure_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError):
        WatchSettings(watch_measures=("speed",))
    with pytest.raises(ValidationError):
        WatchSettings(watch_measures=())
