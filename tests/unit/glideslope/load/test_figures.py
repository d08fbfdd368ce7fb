from pathlib import Path

import pytest

from glideslope.load.figures import Figures, percentiles, summarise
from glideslope.load.outcomes import End, Outcomes
from glideslope.load.pace import Pace

PACE = Pace(rate=100, seconds=10)


def figures(outcomes: Outcomes) -> Figures:
    return summarise(outcomes, PACE, "a mix")


def loaded(*, lag: float = 0.001, took: float = 0.02, end: End = "answered") -> Outcomes:
    outcomes = Outcomes()
    for due in PACE.due():
        outcomes.end(outcomes.send(due, due + lag), end, due + lag + took)
    return outcomes


def test_percentiles_are_those_of_what_was_recorded_to_three_figures() -> None:
    outcomes = Outcomes()
    for number, due in enumerate(PACE.due(), 1):  # 1 ms, 2 ms, … 1,000 ms
        outcomes.end(outcomes.send(due, due), "answered", due + number / 1000)

    found = figures(outcomes).as_json()["latency_ms"]

    assert found["p50"] == pytest.approx(500, rel=0.002)
    assert found["p99"] == pytest.approx(990, rel=0.002)
    assert found["max"] == pytest.approx(1000, rel=0.002)


def test_a_generator_that_keeps_its_pace_says_so() -> None:
    found = figures(loaded())

    assert not found.is_behind
    assert found.is_whole
    rates = found.as_json()["rate"]
    assert (rates["asked"], rates["sent"]) == (100, 100)
    assert rates["ended"] == pytest.approx(1000 / (9.99 + 0.021), abs=0.01)


def test_a_generator_that_falls_behind_says_so_and_its_lateness_is_in_the_latencies() -> None:
    found = figures(loaded(lag=0.4))

    assert found.is_behind
    assert found.as_json()["generator"]["behind"] is True
    assert percentiles(found.latency)["p50"] == pytest.approx(420, rel=0.002)
    assert found.sent_rate < 100


def test_a_load_is_not_whole_with_a_missing_a_doubled_or_an_undelivered_request() -> None:
    missing, doubled, undelivered = loaded(), loaded(), loaded()
    missing.send(9.99, 9.99)
    doubled.end(0, "answered", 9.0)
    undelivered.fail(undelivered.send(9.99, 9.99))

    assert [figures(each).is_whole for each in (missing, doubled, undelivered)] == [False] * 3
    assert figures(missing).as_json()["missing"] == 1
    assert not figures(loaded(end="dead_letter")).is_whole


def test_each_end_has_latencies_of_its_own() -> None:
    outcomes = loaded()
    outcomes.end(outcomes.send(9.99, 9.99), "rejected", 10.99)

    by_end = figures(outcomes).by_end

    assert {end: each.get_total_count() for end, each in by_end.items()} == {
        "answered": 1000,
        "rejected": 1,
    }


def test_each_second_tells_what_was_due_in_it(tmp_path: Path) -> None:
    outcomes = loaded(took=1.504)

    found = figures(outcomes)

    assert [each.due for each in found.seconds[:10]] == [100] * 10
    assert [each.ended for each in found.seconds[:2]] == [0, 50]
    assert found.seconds[3].p99 == pytest.approx(1505)
    found.write_hgrm(tmp_path / "latency.hgrm")
    assert "#[Mean" in (tmp_path / "latency.hgrm").read_text()


def test_nothing_measured_is_no_error() -> None:
    found = figures(Outcomes()).as_json()

    assert found["latency_ms"] == {}
    assert found["generator"] == {"behind": False, "lag_ms": {}}
