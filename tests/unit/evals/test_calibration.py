"""The promise of a certificate, by simulation: of many draws nearly all keep it."""

from random import Random

import pytest

from evals.calibration import choose


def draw(random: Random, count: int, base: float) -> list[tuple[float, bool]]:
    """Return scores with the truth drawn so that a score is right with about its probability."""
    scores = [random.betavariate(4 * base, 4 * (1 - base)) for _ in range(count)]
    return [(score, random.random() < score) for score in scores]


@pytest.mark.parametrize("base", [0.5, 0.8])
def test_among_what_is_approved_at_most_the_risk_is_wrong_in_nearly_all_draws(base: float) -> None:
    random = Random(7)
    population = draw(random, 40_000, base)
    broken = 0
    for _ in range(200):
        chosen = choose(random.choices(population, k=600), risk=0.1, confidence=0.95)
        if chosen is None:
            continue
        threshold = chosen[0].threshold
        approved = [truth for score, truth in population if score >= threshold]
        broken += 1 - sum(approved) / len(approved) > 0.1
    assert broken <= 0.05 * 200


def test_a_score_that_ranks_well_approves_a_good_share() -> None:
    random = Random(3)
    scored = [(random.uniform(0.5, 1), True) for _ in range(500)]
    scored += [(random.uniform(0, 0.6), False) for _ in range(200)]
    chosen = choose(scored, risk=0.05, confidence=0.95)
    assert chosen is not None
    candidate, bound = chosen
    assert candidate.approved >= 0.5 * len(scored)
    assert bound <= 0.05


@pytest.mark.parametrize("count", [10, 60, 200])
def test_a_sample_that_cannot_support_the_promise_gets_no_threshold(count: int) -> None:
    random = Random(5)
    scored = [(random.random(), random.random() < 0.8) for _ in range(count)]
    assert choose(scored, risk=0.02, confidence=0.95) is None


def test_what_failed_a_check_is_never_approved() -> None:
    scored = [(-1.0, True)] * 900 + [(0.9, True)] * 100
    chosen = choose(scored, risk=0.05, confidence=0.9)
    assert chosen is None or chosen[0].approved <= 100
