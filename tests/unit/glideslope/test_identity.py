import json
from typing import Any

import pytest

from glideslope.identity import origin, request_of
from shared import topics
from shared.cloudevents import UnreadableError
from shared.delivery import Record
from shared.topics import Topic

HEADERS = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"7"),
    ("ce_source", b"/desk"),
    ("ce_type", b"t"),
)


def record(data: Any, headers: tuple[tuple[str, bytes | None], ...] = HEADERS) -> Record:
    return Record("t", 0, 0, 0, None, json.dumps(data).encode(), headers)


ABOUT = {"request_id": "1", "request_source": "/app"}


@pytest.mark.parametrize(
    ("topic", "data", "name"),
    [
        (topics.REQUESTS, {"question": "?", **ABOUT}, ("/desk", "7")),
        (topics.REQUESTS_ACCEPTED, ABOUT, ("/app", "1")),
        (topics.RESULTS, ABOUT, ("/app", "1")),
        (topics.ANSWERS_DRAFTED, {"request": ABOUT}, ("/app", "1")),
        (topics.REVIEWS_DECIDED, {"item": {"request": ABOUT}}, ("/app", "1")),
        (topics.DOCUMENTS_ACCEPTED, {"document_id": "d"}, None),
        (topics.RESULTS, ["junk"], None),
    ],
)
def test_a_record_names_its_request(topic: Topic, data: Any, name: tuple[str, str] | None) -> None:
    assert request_of(topic, record(data)) == name


def test_a_record_that_is_no_event_names_none() -> None:
    with pytest.raises(UnreadableError):
        request_of(topics.RESULTS, record(ABOUT, headers=()))


def test_of_a_record_that_failed_twice_the_last_letter_counts() -> None:
    def letter(service: str) -> tuple[tuple[str, bytes | None], ...]:
        said = {
            "source-topic": "requests",
            "source-partition": "3",
            "source-offset": "12",
            "service": service,
            "reason-code": "code",
            "reason": "reason",
        }
        return tuple((f"glideslope-{name}", text.encode()) for name, text in said.items())

    came = origin(record({}, (*letter("audit"), ("other", None), *letter("ingest"))))

    assert (came.topic, came.partition, came.offset, came.service) == ("requests", 3, 12, "ingest")


def test_a_record_that_is_no_dead_letter_has_no_origin() -> None:
    with pytest.raises(KeyError):
        origin(record({}))
