from glideslope.audit.findings import Problem
from glideslope.audit.sources import Seen, Sources, Stream

Leaf = tuple[Stream, int, int | None, int]


def at(offset: int, previous: int | None, timestamp: int = 0) -> Leaf:
    return Stream("c", "requests", 0), offset, previous, timestamp


def seen(*offsets: int) -> tuple[Seen, list[tuple[Problem, str]]]:
    sources = Sources()
    wrong = [
        said
        for offset, previous in zip(offsets, (None, *offsets), strict=False)
        if (said := sources.add(*at(offset, previous)))
    ]
    [only] = sources.streams.values()
    return only, wrong


def test_offsets_without_an_entry_are_counted() -> None:
    stream, wrong = seen(5, 6, 9, 11)
    assert not wrong
    assert (stream.first, stream.last, stream.without_entry) == (5, 11, 3)


def test_a_record_that_was_logged_late_fills_its_gap_and_is_out_of_order() -> None:
    stream, wrong = seen(5, 8, 7, 9, 6)
    assert (stream.without_entry, stream.late) == (0, 2)
    assert wrong == [
        (Problem.ORDER, "record requests-0-7 was logged after 8 of its partition"),
        (Problem.ORDER, "record requests-0-6 was logged after 9 of its partition"),
    ]


def test_a_record_before_the_first_one_is_late_too() -> None:
    stream, wrong = seen(5, 3)
    assert [problem for problem, _ in wrong] == [Problem.ORDER]
    assert (stream.first, stream.without_entry, stream.late) == (3, 1, 1)


def test_a_second_entry_for_a_record_is_wrong() -> None:
    _, wrong = seen(5, 6, 5)
    assert wrong == [(Problem.DOUBLED, "a second entry for record requests-0-5")]


def test_an_entry_that_says_another_was_before_it_than_was_is_wrong() -> None:
    sources = Sources()
    sources.add(*at(5, None))
    said = "it says that offset 6 was logged before it, and 5 was"
    assert sources.add(*at(9, 6)) == (Problem.LEAF, said)


def test_what_was_before_an_entry_is_not_known_where_entries_were_passed_over() -> None:
    sources = Sources()
    sources.add(*at(5, None))
    sources.pass_over()
    assert sources.add(*at(9, 6)) is None
    assert sources.add(*at(10, 9)) is None


def test_a_topic_that_was_created_anew_begins_again() -> None:
    sources = Sources()
    for said in (at(0, None, 10), at(5, 0, 20), at(0, 5, 30), at(1, 0, 31)):
        assert sources.add(*said) is None
    [stream] = sources.streams.values()
    assert (stream.begun_anew, stream.last, stream.without_entry) == (1, 1, 4)
