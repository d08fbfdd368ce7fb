from itertools import pairwise

from glideslope.load.pace import Pace


def test_even_requests_are_due_at_the_same_distance_warm_up_included() -> None:
    due = list(Pace(rate=50, seconds=2, warm_up=1).due())

    assert len(due) == 150
    assert due[0] == 0
    assert {round(later - earlier, 9) for earlier, later in pairwise(due)} == {0.02}


def test_poisson_requests_come_at_the_asked_rate_but_in_bursts() -> None:
    pace = Pace(rate=100, seconds=100, arrivals="poisson", seed=1)
    due = list(pace.due())

    assert abs(len(due) - 10_000) < 400  # four standard deviations
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert sum(gap < 0.005 for gap in gaps) > 0.3 * len(gaps)
    assert sum(gap > 0.02 for gap in gaps) > 0.1 * len(gaps)
    assert due == list(pace.due())
