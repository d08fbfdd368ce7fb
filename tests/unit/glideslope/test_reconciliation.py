import pytest
from hypothesis import given
from hypothesis import strategies as st

from glideslope.reconciliation import Tally, reconcile


def one_request(*, pending: bool = True, **counted: int) -> Tally:
    return Tally(**{"requests": 1, "fresh": 1, **counted}, pending=pending)


@pytest.mark.parametrize(
    ("tally", "where"),
    [
        (one_request(), "being_worked_on"),
        (one_request(results=1), "results"),
        (one_request(rejected=1), "rejected"),
        (one_request(unhandled=1), "dead_letters"),
        (one_request(stuck=1), "dead_letters"),
        (one_request(stuck=3), "dead_letters"),
        (one_request(to_review=1), "waiting_for_person"),
        (one_request(to_review=1, reviewed=1), "being_worked_on"),
        (one_request(to_review=1, reviewed=1, results=1), "results"),
        (one_request(stuck=1, results=1), "results"),  # redriven
        (one_request(to_review=1, reviewed=1, stuck=1), "dead_letters"),
    ],
)
def test_a_request_stands_in_exactly_one_place(tally: Tally, where: str) -> None:
    equation = reconcile({b"a": tally})

    assert equation.adds_up
    assert equation.requests == 1
    assert getattr(equation, where) == 1
    assert equation.results + equation.rejected + equation.dead_letters + equation.in_flight == 1


@pytest.mark.parametrize(
    ("tally", "equation"),
    [
        # the second record was told apart
        (Tally(requests=2, fresh=1, results=1, duplicates=1), "2 = 1 + 0 + 1 + 0 + 0"),
        # the second record has not been looked at yet
        (Tally(requests=2, fresh=1, results=1, pending=True), "2 = 1 + 0 + 0 + 0 + 1"),
        # it came again after the window
        (Tally(requests=2, fresh=2, results=2), "2 = 2 + 0 + 0 + 0 + 0"),
        # it became a dead letter, and was redriven
        (Tally(requests=2, fresh=1, unhandled=1, results=1), "2 = 1 + 0 + 0 + 1 + 0"),
    ],
)
def test_several_records_of_one_request_add_up(tally: Tally, equation: str) -> None:
    counted = reconcile({b"a": tally})

    assert counted.adds_up
    assert equation == (
        f"{counted.requests} = {counted.results} + {counted.rejected} + {counted.duplicates} "
        f"+ {counted.dead_letters} + {counted.in_flight}"
    )


@pytest.mark.parametrize(
    ("tally", "what"),
    [
        (Tally(results=1), "1 result without a request"),
        (Tally(rejected=1), "1 rejection without a request"),
        (Tally(duplicates=2), "2 duplicates without a request"),
        (one_request(results=2), "2 results for 1 record of the request"),
        (one_request(results=1, rejected=1), "1 result, 1 rejection for 1 record of the request"),
        (one_request(unhandled=2), "2 dead letters for 1 record of the request"),
        (
            Tally(requests=2, fresh=1, results=2),
            "2 results for 2 records of the request",
        ),
        (
            Tally(requests=2, fresh=1, results=1, duplicates=2),
            "1 result, 2 duplicates for 2 records of the request",
        ),
    ],
)
def test_a_request_that_ends_more_than_once_is_a_fault(tally: Tally, what: str) -> None:
    equation = reconcile({b"good": one_request(results=1), b"bad": tally})

    assert not equation.adds_up
    assert [(fault.what, fault.digest) for fault in equation.faults] == [(what, b"bad")]


def test_an_unreadable_record_is_in_flight_until_it_is_a_dead_letter() -> None:
    before = reconcile({}, {(0, 7)}, {}, {(0, 7)})
    after = reconcile({}, {(0, 7)}, {(0, 7): 1})

    assert (before.requests, before.being_worked_on, before.dead_letters) == (1, 1, 0)
    assert (after.requests, after.being_worked_on, after.dead_letters) == (1, 0, 1)
    assert before.adds_up
    assert after.adds_up


def test_an_unreadable_record_that_is_two_dead_letters_is_a_fault() -> None:
    equation = reconcile({}, {(0, 7)}, {(0, 7): 2})

    assert not equation.adds_up
    assert "requests-0-7" in equation.faults[0].what


@pytest.mark.parametrize(
    ("tally", "lost"),
    [
        (one_request(pending=False), 1),
        (one_request(pending=True), 0),
        (one_request(results=1, pending=False), 0),
        (one_request(rejected=1, pending=False), 0),
        (one_request(unhandled=1, pending=False), 0),
        (one_request(stuck=1, pending=False), 0),
        (one_request(to_review=1, pending=False), 0),
        (one_request(to_review=1, reviewed=1, pending=False), 1),
        (one_request(to_review=1, reviewed=1, results=1, pending=False), 0),
        # its second record came to no end; all three came to none
        (Tally(requests=2, fresh=1, results=1), 1),
        (Tally(requests=3, fresh=2), 3),
    ],
)
def test_a_request_without_an_end_that_nobody_has_anything_to_do_with_is_lost(
    tally: Tally, lost: int
) -> None:
    equation = reconcile({b"good": one_request(results=1), b"a": tally})

    ends = equation.results + equation.rejected + equation.duplicates + equation.dead_letters
    assert equation.lost == lost
    assert equation.requests == ends + equation.in_flight + lost
    assert equation.adds_up is (lost == 0)
    assert [fault.digest for fault in equation.faults] == ([b"a"] if lost else [])
    assert all("lost" in fault.what for fault in equation.faults)


def test_an_unreadable_record_that_ingest_passed_without_a_dead_letter_is_lost() -> None:
    equation = reconcile({}, {(0, 7), (0, 8)}, {(0, 8): 1})

    assert (equation.lost, equation.being_worked_on, equation.dead_letters) == (1, 0, 1)
    assert "requests-0-7" in equation.faults[0].what


COUNT = st.integers(0, 3)


@given(
    st.builds(
        Tally,
        requests=COUNT,
        fresh=COUNT,
        results=COUNT,
        rejected=COUNT,
        duplicates=COUNT,
        unhandled=COUNT,
        stuck=COUNT,
        to_review=COUNT,
        reviewed=COUNT,
        pending=st.booleans(),
    )
)
def test_without_a_fault_the_two_sides_are_equal(tally: Tally) -> None:
    equation = reconcile({b"a": tally})

    ends = equation.results + equation.rejected + equation.duplicates + equation.dead_letters
    assert equation.faults or equation.requests == ends + equation.in_flight
    assert equation.being_worked_on >= 0
    assert equation.waiting_for_person >= 0
