import random
from math import sqrt

import pytest

from glideslope.releases.sequential import Evidence

ALPHA = 0.05


def looked_at(  # noqa: PLR0913 - two streams, and how they are mixed
    chance: random.Random,
    control: float,
    canary: float,
    *,
    share: float,
    requests: int,
    bounded: bool = False,
) -> int | None:
    """Look after every request; return after how many of the canary the evidence was enough."""

    def value(bad: float) -> float:
        return chance.betavariate(2 * bad, 2 * (1 - bad)) if bounded else chance.random() < bad

    evidence = Evidence()
    for _ in range(requests):
        if chance.random() < share:
            evidence.add_canary(value(canary))
        else:
            evidence.add_control(value(control))
        if evidence.value >= 1 / ALPHA:
            return evidence.canaries
    return None


@pytest.mark.parametrize(
    ("bad", "share", "bounded"),
    [(0.3, 0.5, False), (0.3, 0.05, False), (0.02, 0.1, False), (0.3, 0.2, True)],
)
def test_a_canary_that_is_not_worse_is_accused_no_more_often_than_is_said_however_often_one_looks(
    bad: float, share: float, bounded: bool
) -> None:
    rounds = 200
    chance = random.Random(f"{bad} {share} {bounded}")
    accused = sum(
        looked_at(chance, bad, bad, share=share, requests=1_000, bounded=bounded) is not None
        for _ in range(rounds)
    )
    assert accused / rounds <= ALPHA + 2 * sqrt(ALPHA * (1 - ALPHA) / rounds)


def test_a_canary_that_is_better_is_not_accused() -> None:
    chance = random.Random(1)
    rounds = [looked_at(chance, 0.3, 0.1, share=0.2, requests=1_000) for _ in range(50)]
    assert rounds.count(None) == len(rounds)


@pytest.mark.parametrize(("canary", "within"), [(0.9, 20), (0.5, 60), (0.35, 150)])
def test_a_canary_that_is_worse_is_found_out_the_sooner_the_worse_it_is(
    canary: float, within: int
) -> None:
    chance = random.Random(2)
    found = [looked_at(chance, 0.1, canary, share=0.05, requests=20_000) for _ in range(20)]
    counts = sorted(each for each in found if each is not None)
    assert len(counts) == len(found)
    assert counts[len(counts) // 2] < within


def test_rates_that_drift_together_are_no_evidence() -> None:
    rounds, accused = 100, 0
    chance = random.Random(3)
    for _ in range(rounds):
        evidence = Evidence()
        for number in range(1_000):
            bad = 0.1 if number < 500 else 0.7
            add = evidence.add_canary if chance.random() < 0.2 else evidence.add_control
            add(chance.random() < bad)
        accused += evidence.value >= 1 / ALPHA
    assert accused / rounds <= ALPHA + 2 * sqrt(ALPHA * (1 - ALPHA) / rounds)


def test_without_one_of_the_two_there_is_no_evidence() -> None:
    evidence = Evidence()
    for _ in range(100):
        evidence.add_canary(1)
    assert (evidence.value, evidence.canaries, evidence.canary_mean) == (1, 0, None)
    evidence.add_control(0)
    assert (evidence.canaries, evidence.canary_mean, evidence.control_mean) == (100, 1, 0)
