import numpy as np
import pytest

from glideslope.releases.intervals import (
    CONVERSATIONS_AT_LEAST,
    Sample,
    means,
    paired_means,
    paired_rates,
    rates,
)


def sample(ones: int, of: int) -> Sample:
    return Sample([1.0] * ones + [0.0] * (of - ones), range(of))


def test_the_difference_of_rates_is_that_of_newcombes_paper() -> None:
    # Newcombe (1998), table II, (a) 56/70 - 48/80, method 10: 0.0524 to 0.3339
    found = rates(sample(48, 80), sample(56, 70), 0.95)
    assert found.value == pytest.approx(0.2)
    # Student's quantiles in place of the normal's make it a little wider
    assert found.low == pytest.approx(0.0524, abs=0.004)
    assert found.high == pytest.approx(0.3339, abs=0.004)
    assert (found.low < 0.0524, found.high > 0.3339) == (True, True)


def test_a_rate_of_none_or_all_still_has_an_interval() -> None:
    found = rates(sample(0, 30), sample(0, 30), 0.95)
    assert found.value == 0
    assert found.low < -0.1
    assert found.high > 0.1


def test_requests_of_one_conversation_say_less_than_as_many_strangers() -> None:
    values = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 20
    strangers = Sample(values, range(len(values)))
    talks = Sample(values, [number // 4 for number in range(len(values))])
    assert strangers.size == pytest.approx(160, rel=0.02)
    assert talks.size == pytest.approx(40, rel=0.05)
    one_voice = Sample([1.0] * 160, [number // 4 for number in range(160)])
    assert one_voice.size == pytest.approx(40)
    narrow, wide = rates(strangers, strangers, 0.95), rates(talks, talks, 0.95)
    assert wide.high - wide.low > 1.8 * (narrow.high - narrow.low)


def test_the_difference_of_means_is_welchs() -> None:
    from scipy.stats import ttest_ind  # noqa: PLC0415 - a second to load, in each worker

    random = np.random.default_rng(7)
    first, second = random.normal(3, 1, 60), random.normal(4, 1, 50)
    found = means(Sample(first.tolist(), range(60)), Sample(second.tolist(), range(50)), 0.95)
    expected = ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.low == pytest.approx(expected.low, abs=0.03)
    assert found.high == pytest.approx(expected.high, abs=0.03)
    assert found.low <= expected.low
    assert found.high >= expected.high


def test_a_small_sample_that_missed_the_rare_large_values_does_not_believe_it_is_exact() -> None:
    control = Sample(([0.0] * 19 + [10.0]) * 50, range(1_000))
    found = means(control, Sample([0.0] * 30, range(30)), 0.95)
    assert found.low < 0 < found.high


def test_pairs_that_all_agree_leave_an_interval_and_pairs_that_differ_one_way_do_not() -> None:
    agreed = paired_rates(sample(0, 200), 0, 0, 0.95)
    assert agreed.low < agreed.value == 0 < agreed.high
    won = Sample([1.0] * 30 + [0.0] * 170, range(200))
    assert paired_rates(won, 30, 0, 0.95).low > 0
    assert paired_means(won, 0.95).low > 0


def test_a_sample_is_enough_by_its_conversations_and_not_by_its_requests() -> None:
    assert not Sample([1.0] * 1_000, [number % 5 for number in range(1_000)]).is_enough
    assert sample(1, CONVERSATIONS_AT_LEAST).is_enough
    assert not Sample([], []).is_enough
