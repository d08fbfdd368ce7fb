from glideslope.audit.leaves import Said
from glideslope.audit.sources import Seen, Sources


def at(offset: int, timestamp: int = 0) -> Said:
    return Said("c", "requests", 0, offset, timestamp, None, None, None, "", 0)


def seen(*offsets: int) -> tuple[Seen, list[str]]:
    sources = Sources()
    wrong = [said for offset in offsets if (said := sources.add(at(offset)))]
    [only] = sources.streams.values()
    return only, wrong


def test_offsets_without_an_entry_are_counted() -> None:
    stream, wrong = seen(5, 6, 9, 11)
    assert not wrong
    assert (stream.first, stream.last, stream.without_entry) == (5, 11, 3)


def test_a_record_that_finished_late_fills_its_gap() -> None:
    stream, wrong = seen(5, 8, 7, 6)
    assert not wrong
    assert (stream.without_entry, stream.late) == (0, 2)


def test_a_record_before_the_first_one_is_late_too() -> None:
    stream, wrong = seen(5, 3)
    assert not wrong
    assert (stream.first, stream.without_entry, stream.late) == (3, 1, 1)


def test_a_second_entry_for_a_record_is_wrong() -> None:
    _, wrong = seen(5, 6, 5)
    assert wrong == ["a second entry for record requests-0-5"]


def test_a_topic_that_was_created_anew_begins_again() -> None:
    sources = Sources()
    for said in (at(0, 10), at(5, 20), at(0, 30), at(1, 31)):
        assert sources.add(said) is None
    [stream] = sources.streams.values()
    assert (stream.begun_anew, stream.last, stream.without_entry) == (1, 1, 4)
