import pytest
from pydantic import BaseModel, ValidationError

from shared.cloudevents import UnreadableError
from shared.delivery.dead_letters import dead_letter, reason, reason_code
from shared.delivery.record import Record

RECORD = Record(
    topic="requests",
    partition=3,
    offset=42,
    timestamp=1_700_000_000_000,
    key=b"\x00key",
    value=b"\xffnot json",
    headers=(("null", None), ("binary", b"\xfe\xff"), ("twice", b"1"), ("twice", b"2")),
)


def test_a_dead_letter_keeps_key_headers_and_bytes_and_says_where_they_came_from() -> None:
    letter = dead_letter(
        RECORD,
        UnreadableError("bad_json", "the data is not JSON"),
        topic="dead.letters",
        service="ingest",
        attempts=1,
    )
    assert (letter.topic, letter.partition) == ("dead.letters", 3)
    assert (letter.key, letter.value) == (RECORD.key, RECORD.value)
    assert letter.headers[:4] == RECORD.headers
    assert dict(letter.headers[4:]) == {
        "glideslope-source-topic": b"requests",
        "glideslope-source-partition": b"3",
        "glideslope-source-offset": b"42",
        "glideslope-source-timestamp": b"1700000000000",
        "glideslope-service": b"ingest",
        "glideslope-attempts": b"1",
        "glideslope-reason-code": b"bad_json",
        "glideslope-reason": b"the data is not JSON",
    }


def test_the_reason_names_the_field_but_not_what_stood_in_it() -> None:
    class Person(BaseModel):
        age: int

    with pytest.raises(ValidationError) as error:
        Person.model_validate({"age": "secret-7731"})
    assert reason_code(error.value) == "bad_data"
    assert "age" in reason(error.value)
    assert "secret-7731" not in reason(error.value)


def test_a_very_long_reason_is_cut() -> None:
    assert len(reason(ValueError("x" * 10_000))) == 500
