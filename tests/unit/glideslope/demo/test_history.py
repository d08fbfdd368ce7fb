from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from glideslope.demo.history import history
from glideslope.identity import RequestName
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from shared import topics
from shared.cloudevents import Event
from shared.events import RequestAccepted, RequestSubmitted
from shared.topics import Topic

NAMES = {f"t.{topic.name}": topic for topic in topics.ALL}
REQUEST = RequestName("/desk", "r-1")
ACCEPTED = RequestAccepted(
    request_id="r-1",
    request_source="/desk",
    tenant="default",
    question="How much?",
    received_at=datetime(2025, 1, 1, tzinfo=UTC),
    release="0123456789abcdef",
)


def entry(topic: Topic, offset: int, data: BaseModel, event_id: str) -> Entry:
    event = Event(event_id, topic.event_type, "/desk", data.model_dump_json().encode())
    position = Position("c", f"t.{topic.name}", 0, offset, 1_735_689_600_000)
    return Entry(position, b"k", tuple(event.headers()), event.data)


def junk(offset: int) -> Entry:
    return Entry(Position("c", "t.requests", 0, offset, 0), None, (), b"\xff")


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[LocalKeys]:
    keys = LocalKeys(tmp_path / "keys", bytes(32))
    yield keys
    keys.close()


def test_it_is_the_requests_own_records_in_the_order_of_the_log(
    tmp_path: Path, keys: LocalKeys
) -> None:
    asked = RequestSubmitted(question="How much?")
    store = open_store(tmp_path / "0", "test/0", keys)
    store.append(
        [
            junk(0),
            entry(topics.REQUESTS, 1, asked, "r-1"),
            entry(topics.REQUESTS, 2, asked, "another"),
            entry(topics.REQUESTS_ACCEPTED, 0, ACCEPTED, "e"),
        ]
    )
    store.close()
    lines = history(tmp_path / "0", keys, REQUEST, NAMES)
    assert [(line.index, line.topic, line.summary) for line in lines] == [
        (1, "requests", "asked: How much?"),
        (3, "requests.accepted", "accepted under release 0123456789ab"),
    ]
    assert lines[0].at == datetime(2025, 1, 1, tzinfo=UTC)


def test_dead_letters_of_a_request_are_part_of_its_history(tmp_path: Path, keys: LocalKeys) -> None:
    accepted = entry(topics.REQUESTS_ACCEPTED, 0, ACCEPTED, "e")
    said = {
        "source-topic": "t.requests.accepted",
        "source-partition": "0",
        "source-offset": "0",
        "service": "inference",
        "reason-code": "ZeroDivisionError",
        "reason": "division by zero",
    }
    headers = tuple((f"glideslope-{name}", text.encode()) for name, text in said.items())
    dead = Entry(
        Position("c", "t.dead.letters", 0, 0, 0),
        accepted.key,
        accepted.headers + headers,
        accepted.value,
    )
    store = open_store(tmp_path / "0", "test/0", keys)
    store.append([accepted, dead])
    store.close()
    lines = history(tmp_path / "0", keys, REQUEST, NAMES)
    assert [line.topic for line in lines] == ["requests.accepted", "dead.letters"]
