"""A client with none of our code: confluent-kafka, the CloudEvents SDK and the published schemas.

Everything that the client does stands in `ForeignClient`. The tests hold our side against it: first
what we read and write by itself, then the running services.
"""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_kafka_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from glideslope.stack import Stack
from shared import cloudevents, events, topics
from shared.release import BUILT_IN
from shared.settings import Settings
from tests.conftest import WITHOUT_REVIEW

pytestmark = pytest.mark.kafka

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
Headers = Sequence[tuple[str, bytes | None]]

FOREIGN: Headers = [
    ("x-null", None),
    ("x-binary", b"\xff\x00"),
    ("x-twice", b"1"),
    ("x-twice", b"2"),
]


def pairs(headers: Any) -> list[tuple[str, bytes | None]]:
    """Return confluent-kafka's headers, None where there are none, as a list."""
    return [(name, raw) for name, raw in headers or ()]


class ForeignClient:
    """Sends events and reads them, as a system does that knows the published contract alone."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap = {"bootstrap.servers": bootstrap_servers}
        self._producer = Producer(self._bootstrap)

    def submit(
        self, topic: str, event: CloudEvent, *, key: str, mode: str, headers: Headers = ()
    ) -> None:
        """Send an event in `binary` or `structured` mode, with headers of the client's own."""
        message = (to_binary_event if mode == "binary" else to_structured_event)(event)
        self.send(topic, key.encode(), message.value, [*headers, *message.headers.items()])

    def send(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Send a record and wait until the brokers have it."""
        failed: list[KafkaError] = []
        self._producer.produce(
            topic,
            value=value,
            key=key,
            headers=list(headers),
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        assert self._producer.flush(30) == 0, "the brokers did not take the record in 30 s"
        assert not failed, failed

    def records(self, topic: str, seconds: float = 30) -> Iterator[Message]:
        """Read a topic from its beginning, committed records only; fails after `seconds`."""
        consumer = Consumer(
            {
                **self._bootstrap,
                "group.id": "foreign",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                message = consumer.poll(0.2)
                if message is not None:
                    assert message.error() is None, message.error()
                    yield message
            pytest.fail(f"{topic} has no further record after {seconds} s")
        finally:
            consumer.close()

    def event(self, record: Message) -> BaseCloudEvent:
        """Read a record with the SDK, and hold its data against the published schema."""
        from jsonschema import (  # noqa: PLC0415 - a second to load, in each worker
            Draft202012Validator,
            FormatChecker,
        )

        headers = {
            name: raw
            for name, raw in pairs(record.headers())
            if raw is not None and (name.startswith("ce_") or name == "content-type")
        }
        event = from_kafka_event(KafkaMessage(headers, None, record.value() or b""))
        schema = json.loads((SCHEMAS / f"{event.get_type()}.json").read_text(encoding="utf-8"))
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        assert [error.message for error in validator.iter_errors(event.get_data())] == []
        return event


@pytest.fixture
def client(bootstrap: str, topics: None) -> ForeignClient:  # noqa: ARG001 - topics must be there
    return ForeignClient(bootstrap)


def question(number: str) -> CloudEvent:
    attributes: dict[str, Any] = {
        "id": number,
        "source": "/desk/credit",
        "type": "glideslope.request.submitted.v1",
        "time": datetime(2026, 3, 2, 12, tzinfo=UTC),
        "subject": "zoë@acme.example",
        "tenant": "acme",
    }
    return CloudEvent(attributes, {"question": "Wer genehmigt Kredite über 300.000 €?"})


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_what_the_sdk_writes_is_read_as_it_was_meant(
    mode: str, client: ForeignClient, settings: Settings
) -> None:
    topic = settings.topic(topics.REQUESTS)
    client.submit(topic, question("q-1"), key="c-1", mode=mode, headers=FOREIGN)
    record = next(client.records(topic))
    event = cloudevents.read(record.value(), pairs(record.headers()))
    assert record.key() == b"c-1"
    assert (event.id, event.source, event.type) == (
        "q-1",
        "/desk/credit",
        topics.REQUESTS.event_type,
    )
    assert event.time == "2026-03-02T12:00:00Z"
    assert event.subject == "zoë@acme.example"
    assert event.tenant == "acme"
    assert event.foreign == tuple(FOREIGN)
    submitted = events.RequestSubmitted.model_validate_json(event.data)
    assert submitted.question == "Wer genehmigt Kredite über 300.000 €?"


def test_what_we_write_is_read_by_the_sdk(client: ForeignClient, settings: Settings) -> None:
    topic = settings.topic(topics.RESULTS)
    asked = cloudevents.Event(
        id="q-1",
        type=topics.REQUESTS.event_type,
        source="/desk/credit",
        data=b"{}",
        subject="zoë@acme.example",
        extensions={"tenant": "acme"},
        foreign=tuple(FOREIGN),
    )
    result = asked.derive(
        events.Result(
            request_id="q-1",
            request_source="/desk/credit",
            outcome="answered",
            answer=events.Answer(text="Zwei Personen."),
            confidence=events.Confidence(probability=1, threshold=0.99),
            checks=(events.Verdict(name="citations", verdict="passed", score=1, reason="ok"),),
            release=BUILT_IN.content_hash(),
            usage=events.Usage(model="extractive"),
            receipt=events.Receipt(origin="glideslope/0", index=0, size=1),
        ),
        type=topics.RESULTS.event_type,
        source="/glideslope/audit",
        stage="results",
    )
    client.send(topic, b"c-1", result.data, result.headers())
    record = next(client.records(topic))
    assert [h for h in pairs(record.headers()) if h[0].startswith("x-")] == FOREIGN
    event = client.event(record)
    assert event.get_id() == result.id
    assert event.get_source() == "/glideslope/audit"
    assert event.get_type() == "glideslope.result.v1"
    assert event.get_subject() == "zoë@acme.example"
    assert event.get_extension("tenant") == "acme"
    assert event.get_datacontenttype() == "application/json"
    time = event.get_time()
    assert time is not None
    assert time.tzinfo is not None
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["answer"]["text"] == "Zwei Personen."
    assert data["receipt"] == {"origin": "glideslope/0", "index": 0, "size": 1}


def grounded(number: str) -> CloudEvent:
    """Make a question that brings the passage along in which its answer stands."""
    attributes: dict[str, Any] = {
        "id": number,
        "source": "/desk/credit",
        "type": "glideslope.request.submitted.v1",
        "time": datetime(2026, 3, 2, 12, tzinfo=UTC),
        "subject": "zoë@acme.example",
        "tenant": "acme",
    }
    return CloudEvent(
        attributes,
        {
            "question": "What is the credit limit of desk Ostrava?",
            "passages": [
                {
                    "id": "limits",
                    "text": "The credit limit of desk Ostrava is 37 million euros.",
                }
            ],
        },
    )


@pytest.mark.timeout(180)
async def test_the_running_services_answer_what_the_sdk_submits_and_the_sdk_reads_the_answer(
    settings: Settings,
) -> None:
    asked = {"binary": "q-binary", "structured": "q-structured"}
    async with Stack(settings, services=WITHOUT_REVIEW):
        client = ForeignClient(settings.bootstrap_servers)
        for mode, number in asked.items():
            client.submit(
                settings.topic(topics.REQUESTS),
                grounded(number),
                key=f"conversation-{mode}",
                mode=mode,
                headers=FOREIGN,
            )
        coming = client.records(settings.topic(topics.RESULTS), seconds=60)
        records = [next(coming) for _ in asked]
    results = {record.key(): client.event(record) for record in records}
    assert set(results) == {b"conversation-binary", b"conversation-structured"}
    for record in records:
        assert [h for h in pairs(record.headers()) if h[0].startswith("x-")] == FOREIGN
    for mode, number in asked.items():
        result = results[f"conversation-{mode}".encode()]
        assert result.get_type() == "glideslope.result.v1"
        assert result.get_id() not in asked.values()
        assert result.get_subject() == "zoë@acme.example"
        assert result.get_extension("tenant") == "acme"
        data = result.get_data()
        assert isinstance(data, dict)
        assert (data["request_source"], data["request_id"]) == ("/desk/credit", number)
        assert data["outcome"] == "answered"
        assert data["answer"]["text"] == "The credit limit of desk Ostrava is 37 million euros."
        receipt = data["receipt"]
        assert receipt["origin"].startswith(f"{settings.deployment}/")
        assert 0 <= receipt["index"] < receipt["size"]
