from dataclasses import replace

import pytest
from pydantic import BaseModel, ValidationError

from shared.cloudevents import UnreadableError
from shared.delivery.dead_letters import dead_letter, reason, reason_code, stack_hash
from shared.delivery.errors import PermanentError
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
    told = dict(letter.headers[4:])
    assert len(told.pop("glideslope-stack") or b"") == 16
    assert told == {
        "glideslope-source-topic": b"requests",
        "glideslope-source-partition": b"3",
        "glideslope-source-offset": b"42",
        "glideslope-source-timestamp": b"1700000000000",
        "glideslope-service": b"ingest",
        "glideslope-attempts": b"1",
        "glideslope-reason-code": b"bad_json",
        "glideslope-reason": b"the data is not JSON",
        "glideslope-error": b"UnreadableError",
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
    assert len(reason(PermanentError("x" * 10_000))) == 500


def test_a_dead_letter_names_the_release_that_its_event_is_pinned_to() -> None:
    pinned = replace(RECORD, headers=(*RECORD.headers, ("ce_release", b"5f0c")))
    letter = dead_letter(pinned, ValueError("no"), topic="d", service="inference", attempts=3)
    assert ("glideslope-release", b"5f0c") in letter.headers
    letter = dead_letter(
        pinned, ValueError("no"), topic="d", service="ingest", attempts=3, is_foreign=True
    )
    assert "glideslope-release" not in dict(letter.headers)


def test_errors_raised_at_one_place_share_a_stack_hash() -> None:
    def fail(what: str) -> None:
        raise ValueError(what)

    def hash_of(what: str) -> str:
        try:
            fail(what)
        except ValueError as error:
            return stack_hash(error)
        return "nothing was raised"

    assert hash_of("one") == hash_of("another")
    assert hash_of("one") != stack_hash(ValueError("elsewhere"))


def test_the_reason_does_not_quote_what_an_error_complains_about() -> None:
    class Noted(BaseModel):
        metadata: dict[str, str]

    with pytest.raises(ValueError, match="SSN") as foreign:
        int("My SSN is 078-05-1120")
    assert reason(foreign.value) == "ValueError"
    with pytest.raises(ValidationError) as invalid:
        Noted.model_validate({"metadata": {"jane.doe@corp.example": 7}})
    assert "jane" not in reason(invalid.value)
    assert reason(invalid.value).startswith("metadata.…: ")
    assert reason(PermanentError("model refused: try another")) == "model refused: try another"
