from hypothesis import given
from hypothesis import strategies as st

from glideslope.operations import REDRIVE, REVEAL, Redriven, ranges, read
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import Operation


def record(operation: Operation | bytes, partition: int = 0) -> Record:
    value = operation if isinstance(operation, bytes) else operation.model_dump_json().encode()
    event = Event("1", topics.OPERATIONS.event_type, "/cli", b"")
    return Record("operations", partition, 0, 0, None, value, tuple(event.headers()))


def redrive(*offsets: int, action: str = REDRIVE, topic: str = "dead.letters") -> Operation:
    return Operation(operator="ann", action=action, topic=topic, offsets=ranges(sorted(offsets)))


@given(st.lists(st.sets(st.integers(0, 200), min_size=1), max_size=6))
def test_exactly_what_was_redriven_is_known_as_that(parts: list[set[int]]) -> None:
    known = Redriven()
    offsets: set[int] = set()
    for part in parts:
        if new := part - offsets:
            known.add(record(redrive(*new)))
            offsets |= new

    assert {offset for offset in range(202) if (0, offset) in known} == offsets


def test_a_redrive_is_one_of_its_own_partition() -> None:
    known = Redriven()
    known.add(record(redrive(3), partition=1))

    assert (1, 3) in known
    assert (0, 3) not in known


def test_what_is_no_redrive_of_dead_letters_marks_nothing() -> None:
    known = Redriven()
    known.add(record(redrive(3, action=REVEAL)))
    known.add(record(redrive(3, topic="requests")))
    known.add(record(b"junk"))

    assert (0, 3) not in known
    assert read(record(b"{}")) is None


def test_ranges_have_no_gaps() -> None:
    assert [(each.first, each.last) for each in ranges([1, 2, 3, 5, 8, 9])] == [
        (1, 3),
        (5, 5),
        (8, 9),
    ]
