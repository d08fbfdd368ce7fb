from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sqrt

import numpy as np
import pytest

from evals.comparison import Outcome as Verdict
from glideslope.releases.comparison import LEVEL, LIVE, compare, compare_pairs, overall
from glideslope.releases.outcomes import Outcome, Route

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def outcomes(  # noqa: PLR0913 - what makes them
    random: np.random.Generator,
    count: int,
    *,
    approved: float = 0.8,
    support: float = 8.0,
    seconds: float = 1.0,
    each: int = 1,
    start: timedelta = timedelta(),
) -> list[Outcome]:
    """Make requests, `each` so many to a conversation, that are alike within it."""
    found = []
    for number in range(count):
        if number % each == 0:
            # what a conversation is about decides more than chance does
            chance = random.beta(4 * approved, 4 * (1 - approved)) if each > 1 else approved
        route: Route = "approved" if random.random() < chance else "review"
        at = NOON + start + timedelta(seconds=number)
        found.append(
            Outcome(
                release="r",
                conversation=f"c-{number // each}",
                received_at=at,
                at=at,
                route=route,
                is_answered=bool(random.random() < 0.95),
                support=float(random.beta(support, 1)),
                seconds=float(random.lognormal(0, 1)) * seconds,
                cost=float(random.exponential(0.01)) if random.random() < 0.1 else 0.0,
            )
        )
    return found


@pytest.mark.parametrize(
    ("sizes", "each"), [((200, 200), 1), ((300, 30), 1), ((240, 240), 4)], ids=str
)
def test_two_samples_of_one_release_differ_no_more_often_than_is_said(
    sizes: tuple[int, int], each: int
) -> None:
    rounds = 200
    random = np.random.default_rng(20260302)
    said = 0
    for _ in range(rounds):
        one, other = (outcomes(random, size, each=each) for size in sizes)
        found = compare(one, other)
        said += any(d.outcome is not Verdict.INCONCLUSIVE for d in found.differences)
    nominal = 1 - LEVEL
    assert said / rounds <= nominal + 2 * sqrt(nominal * (1 - nominal) / rounds)


def test_pairs_of_one_release_differ_no_more_often_than_is_said() -> None:
    rounds = 200
    random = np.random.default_rng(20260303)
    said = 0
    for _ in range(rounds):
        pairs = list(zip(outcomes(random, 120, each=3), outcomes(random, 120, each=3), strict=True))
        found = compare_pairs("shadow", pairs, [a.conversation for a, _ in pairs], LIVE)
        said += any(d.outcome is not Verdict.INCONCLUSIVE for d in found.differences)
    nominal = 1 - LEVEL
    assert said / rounds <= nominal + 2 * sqrt(nominal * (1 - nominal) / rounds)


def verdicts(one: Sequence[Outcome], other: Sequence[Outcome]) -> dict[str, Verdict]:
    return {each.measure: each.outcome for each in compare(one, other).differences}


def test_a_release_that_is_better_or_worse_is_told_measure_by_measure() -> None:
    random = np.random.default_rng(1)
    one = outcomes(random, 800)
    other = outcomes(random, 800, approved=0.6, support=30, seconds=0.5)
    assert verdicts(one, other) == {
        "answer_rate": Verdict.INCONCLUSIVE,
        "approval_rate": Verdict.WORSE,
        "review_rate": Verdict.WORSE,
        "support": Verdict.BETTER,
        "latency": Verdict.BETTER,
        "cost": Verdict.INCONCLUSIVE,
    }
    assert compare(one, other).outcome is Verdict.INCONCLUSIVE  # a person has to weigh it
    assert compare(one, outcomes(random, 800, approved=0.6)).outcome is Verdict.WORSE


def test_a_dozen_conversations_say_nothing_however_far_apart() -> None:
    random = np.random.default_rng(2)
    found = compare(outcomes(random, 500, approved=1), outcomes(random, 12, approved=0))
    assert found.outcome is Verdict.INCONCLUSIVE
    assert {each.why for each in found.differences} == {"12 conversations, 20 at least are needed"}


def test_what_was_answered_at_another_time_is_not_compared() -> None:
    random = np.random.default_rng(3)
    monday = outcomes(random, 300)
    tuesday = outcomes(random, 300, approved=0.1, start=timedelta(days=1))
    found = compare(monday, tuesday)
    assert (found.requests_a, found.requests_b, found.outcome) == (0, 0, Verdict.INCONCLUSIVE)
    overlapping = outcomes(random, 300, start=timedelta(seconds=150))
    assert compare(monday, overlapping).requests_a == 150


def test_what_has_no_value_is_left_out_of_a_measure_and_not_of_the_others() -> None:
    random = np.random.default_rng(4)
    one = [replace(each, seconds=None, support=None) for each in outcomes(random, 100)]
    found = {each.measure: each for each in compare(one, one).differences}
    assert found["latency"].interval is None
    assert found["support"].why == "0 conversations, 20 at least are needed"
    assert found["approval_rate"].interval is not None


def test_a_verdict_on_all_is_given_where_nothing_speaks_against_it() -> None:
    better, worse, unknown = Verdict.BETTER, Verdict.WORSE, Verdict.INCONCLUSIVE
    assert overall([better, unknown]) is better
    assert overall([worse, worse, unknown]) is worse
    assert overall([better, worse]) is unknown
    assert overall([]) is unknown
