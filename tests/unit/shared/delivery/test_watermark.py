from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.watermark import Watermark


def test_the_position_is_that_of_the_first_record_not_completed() -> None:
    watermark = Watermark(10)
    for offset in (10, 11, 14):
        assert watermark.take(offset)
    watermark.complete(11)
    assert watermark.advance(100) == []
    assert watermark.position == 10
    watermark.complete(10)
    assert watermark.advance(100) == [10, 11]
    assert watermark.position == 14
    watermark.complete(14)
    assert watermark.advance(100) == [14]
    assert watermark.position == 15


def test_a_record_is_taken_once() -> None:
    watermark = Watermark(5)
    assert not watermark.take(4)
    assert watermark.take(5)
    assert not watermark.take(5)
    assert watermark.pending == 1


@given(
    start=st.integers(0, 1000),
    gaps=st.lists(st.integers(1, 3), max_size=30),
    order=st.randoms(use_true_random=False),
    limit=st.integers(1, 5),
)
def test_every_offset_is_passed_once_and_in_order(
    start: int, gaps: list[int], order: object, limit: int
) -> None:
    offsets = [start + sum(gaps[:i]) for i in range(len(gaps))]
    watermark = Watermark(start)
    for offset in offsets:
        watermark.take(offset)
    passed: list[int] = []
    done: set[int] = set()
    shuffled = list(offsets)
    order.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis's Random
    for offset in shuffled:
        watermark.complete(offset)
        done.add(offset)
        while step := watermark.advance(limit):
            assert len(step) <= limit
            passed += step
        assert all(o in done for o in passed)
        unfinished = [o for o in offsets if o not in done]
        assert watermark.position == (min(unfinished) if unfinished else offsets[-1] + 1)
    assert passed == offsets
