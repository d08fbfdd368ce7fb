from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glideslope.dead_letters import Letter, Position, ids, original_headers
from glideslope.redrive import original
from shared import topics
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.settings import Settings

SETTINGS = Settings(topic_prefix="p.")
SOURCES = {SETTINGS.topic(topic): topic for topic in topics.ALL}
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_release", "note", "glideslope-foo", "glideslope-stack"])
        | st.text(max_size=5),
        st.none() | st.binary(max_size=5),
    ),
    max_size=6,
).map(tuple)


def record(**changed: object) -> Record:
    plain = Record("p.requests", 1, 17, 1_700_000_000_000, b"k", b"{}", (("ce_id", b"q-1"),))
    return replace(plain, **changed)  # type: ignore[arg-type] # as the test gives it


def dead(of: Record, error: Exception | None = None, offset: int = 3) -> Record:
    letter = dead_letter(
        of, error or RuntimeError("boom"), topic="p.dead.letters", service="ingest", attempts=6
    )
    return Record(
        letter.topic, 1, offset, 1_800_000_000_000, letter.key, letter.value, letter.headers
    )


def read(letter: Record) -> Letter:
    return Letter.read(letter, SOURCES)


def test_a_dead_letter_tells_where_it_came_from_and_why() -> None:
    letter = read(dead(record(headers=(("ce_release", b"abc"),))))

    assert letter.position == Position(1, 3)
    assert letter.source is topics.REQUESTS
    assert (letter.came.partition, letter.came.offset) == (1, 17)
    assert (letter.came.service, letter.came.code) == ("ingest", "RuntimeError")
    assert (letter.attempts, letter.release, letter.redrives) == (6, "abc", 0)
    assert letter.at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert letter.came_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_senders_header_that_looks_like_a_count_of_redrives_hides_no_dead_letter() -> None:
    letter = read(dead(record(headers=(("glideslope-redrives", b"many"),))))
    assert letter.redrives == 0


@given(HEADERS, st.none() | st.binary(), st.none() | st.binary())
def test_whatever_a_record_was_it_goes_back_as_that(
    headers: tuple[tuple[str, bytes | None], ...], key: bytes | None, value: bytes | None
) -> None:
    first = record(headers=headers, key=key, value=value)
    letter = dead(first)

    back = original(letter, read(letter))

    assert original_headers(letter) == headers
    assert back.headers == (*headers, ("glideslope-redrives", b"1"))
    assert (back.key, back.value) == (key, value)
    assert (back.topic, back.partition) == ("p.requests", 1)


def test_each_redrive_is_counted_and_leaves_no_other_trace() -> None:
    headers = record().headers
    for count in (b"1", b"2", b"3"):
        letter = dead(record(headers=headers))
        headers = original(letter, read(letter)).headers
        assert headers == (("ce_id", b"q-1"), ("glideslope-redrives", count))


def test_a_release_that_only_the_sender_names_is_not_the_pinned_one() -> None:
    letter = read(dead(record(headers=(("glideslope-release", b"theirs"), ("note", b"x")))))

    assert letter.release is None


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("glideslope-service", b"ingest"),),
        tuple(
            (name, b"many" if name == "glideslope-attempts" else raw)
            for name, raw in dead(record()).headers
        ),
        dead(record(topic="elsewhere")).headers,
    ],
    ids=["none", "too few", "no number", "foreign topic"],
)
def test_what_is_no_dead_letter_of_ours_is_not_taken_for_one(
    headers: tuple[tuple[str, bytes | None], ...],
) -> None:
    with pytest.raises(ValueError, match=r"is no dead letter|invalid literal"):
        read(replace(dead(record()), headers=headers))


@pytest.mark.parametrize(
    "text", ["dead.letters/1/3", "p.dead.letters/1/3", "1/3"], ids=["topic", "prefix", "short"]
)
def test_a_position_can_be_typed_as_it_is_shown(text: str) -> None:
    assert Position.parse(text, SETTINGS) == Position(1, 3)
    assert Position.parse(str(Position(1, 3)), SETTINGS) == Position(1, 3)


@pytest.mark.parametrize("text", ["", "3", "requests/1/3", "1/x", "1/-3", "/1/3", "1/3/"])
def test_what_is_no_position_is_told_with_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"give dead\.letters/PARTITION/OFFSET"):
        Position.parse(text, SETTINGS)


def test_a_dead_letter_is_known_by_its_event_even_where_that_cannot_be_read() -> None:
    letter = dead(record(value=b"{"))

    assert ids(letter, read(letter)) == ["q-1"]
