from glideslope.load.outcomes import Outcomes


def test_a_request_is_missing_until_it_has_an_end() -> None:
    outcomes = Outcomes()
    numbers = [outcomes.send(due, due) for due in (0.0, 0.1, 0.2)]

    outcomes.end(numbers[0], "answered", 1.0)
    outcomes.fail(numbers[2])

    assert outcomes.missing == [numbers[1]]
    assert outcomes.open == 1
    assert outcomes.undelivered == {numbers[2]}


def test_a_second_end_is_one_too_many_and_counts_in_no_latency() -> None:
    outcomes = Outcomes()
    number = outcomes.send(0.0, 0.0)

    outcomes.end(number, "answered", 1.0)
    outcomes.end(number, "refused", 5.0)
    outcomes.end(number, "answered", 6.0)

    assert outcomes.doubled.total() == 2
    assert outcomes.open == 0
    [course] = outcomes.measured()
    assert (course.end, course.took) == ("answered", 1.0)


def test_what_a_person_decides_later_is_no_second_end() -> None:
    outcomes = Outcomes()
    decided, waiting = outcomes.send(0.0, 0.0), outcomes.send(0.0, 0.0)

    outcomes.end(decided, "reviewed", 1.0)
    outcomes.end(decided, "answered_by_person", 60.0)
    outcomes.end(waiting, "reviewed", 1.0)

    assert not outcomes.doubled
    assert outcomes.counts() == {"answered_by_person": 1, "reviewed": 1}
    assert [course.took for course in outcomes.measured()] == [1.0, 1.0]


def test_a_latency_counts_from_when_a_request_was_due_not_from_when_it_left() -> None:
    outcomes = Outcomes()
    outcomes.end(outcomes.send(due=1.0, sent=3.0), "answered", 3.5)

    [course] = outcomes.measured()

    assert course.took == 2.5
    assert course.lag == 2.0


def test_the_warm_up_is_accounted_for_and_not_measured() -> None:
    outcomes = Outcomes(warm_up=1.0)
    cold, warm = outcomes.send(0.5, 0.5), outcomes.send(1.0, 1.0)
    outcomes.end(warm, "answered", 1.2)

    assert [course.number for course in outcomes.measured()] == [warm]
    assert outcomes.missing == [cold]
