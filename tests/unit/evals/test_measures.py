import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.measures import auroc, best_cut, bins, calibration_error, f1, interval

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0]), st.booleans()),
    min_size=2,
    max_size=40,
)


@given(ROWS)
def test_auroc_and_f1_are_those_of_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    from sklearn.metrics import (  # noqa: PLC0415 - a second to load, in each worker
        f1_score,
        roc_auc_score,
    )

    scores, truths = [s for s, _ in rows], [t for _, t in rows]
    if len(set(truths)) == 2:
        assert auroc(scores, truths) == pytest.approx(roc_auc_score(truths, scores))
    else:
        assert math.isnan(auroc(scores, truths))
    flagged = [s > 0.5 for s in scores]
    if any(flagged) or any(truths):
        assert f1(flagged, truths) == pytest.approx(f1_score(truths, flagged, zero_division=0.0))


def test_probabilities_that_say_what_is_so_have_no_calibration_error() -> None:
    said = [0.25] * 4 + [0.75] * 4
    was = [True, False, False, False, True, True, True, False]
    assert calibration_error(said, was) == 0
    assert [(b.count, b.said, b.was) for b in bins(said, was)] == [(4, 0.25, 0.25), (4, 0.75, 0.75)]
    assert calibration_error([1.0] * 4, [False] * 4) == 1


def test_the_best_cut_flags_what_is_wrong_and_stands_in_the_middle_of_those_as_good() -> None:
    said, was = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [False, False, False, True, True, True]
    assert best_cut(said, was) == pytest.approx(0.505, abs=0.01)


def test_one_answer_does_not_move_the_best_cut_of_many() -> None:
    said = [place / 200 for place in range(20, 190)]
    was = [place % 10 < said_ * 10 for place, said_ in enumerate(said)]
    one_more = best_cut([*said, 0.79], [*was, False])
    assert best_cut(said, was) == pytest.approx(one_more, abs=0.011)


def test_an_interval_holds_its_value_and_draws_whole_groups() -> None:
    scores = [0.9, 0.8, 0.3, 0.2] * 10
    truths = [True, True, False, False] * 10
    one = interval(auroc, scores, truths, ["a"] * 40)
    assert (one.low, one.value, one.high) == (1, 1, 1)
    mixed = [True, False, True, False] * 10
    found = interval(auroc, scores, mixed, [str(i // 2) for i in range(40)])
    assert found.low <= found.value <= found.high
