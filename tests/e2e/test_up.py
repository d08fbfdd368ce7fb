"""`glideslope up`, used from outside: signals, exit codes, and a Kafka client that is not ours."""

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Message, Producer

from shared.settings import Settings
from tests.e2e.conftest import Up

pytestmark = pytest.mark.kafka

PASSAGE = "The harbour dues of Port Ellisgate are EUR 3.40 per tonne since 1 July 2025."
QUESTION = "How high are the harbour dues of Port Ellisgate?"


@pytest.fixture
def results(settings: Settings) -> Iterator[Callable[[], Message]]:
    """Wait for the next record on `results`, as a system that knows nothing of us does."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": f"{settings.topic_prefix}downstream",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )

    def next_result() -> Message:
        ends = ("results", "requests.rejected", "fallback.review", "dead.letters")
        consumer.subscribe([f"{settings.topic_prefix}{end}" for end in ends])
        message = consumer.poll(60)
        assert message is not None
        assert message.error() is None
        assert message.topic() == f"{settings.topic_prefix}results", message.headers()
        return message

    yield next_result
    consumer.close()


def submit(settings: Settings, request_id: str) -> None:
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers})
    data = {"question": QUESTION, "passages": [{"id": "tariff", "text": PASSAGE}]}
    producer.produce(
        f"{settings.topic_prefix}requests",
        key=b"harbour-office",
        value=json.dumps(data).encode(),
        headers={
            "ce_specversion": "1.0",
            "ce_id": request_id,
            "ce_source": "/harbour",
            "ce_type": "glideslope.request.submitted.v1",
            "content-type": "application/json",
        },
    )
    assert producer.flush(30) == 0


def test_a_foreign_client_is_answered_through_a_drain_and_a_new_start_until_a_service_dies(
    up: Callable[[Settings], Up], settings: Settings, results: Callable[[], Message]
) -> None:
    stack = up(settings)
    ready = stack.until("ready")
    assert ready["bootstrap_servers"] == settings.bootstrap_servers
    submit(settings, "dues-1")
    message = results()
    assert message.key() == b"harbour-office"
    headers = dict(message.headers() or [])
    assert headers["ce_type"] == b"glideslope.result.v1"
    result = json.loads(message.value() or b"")
    assert (result["request_source"], result["request_id"]) == ("/harbour", "dues-1")
    assert result["outcome"] == "answered"
    assert "3.40" in result["answer"]["text"]
    assert result["answer"]["citations"][0]["quote"] in PASSAGE
    assert result["receipt"]["index"] < result["receipt"]["size"]

    stack.press_ctrl_c()
    stack.until("stopped")
    assert stack.process.wait(30) == 0
    assert {each["service"]: each["exit_code"] for each in stack.of("drained")} == {
        "ingest": 0,
        "inference": 0,
        "validator": 0,
        "review": 0,
        "audit": 0,
    }

    submit(settings, "dues-2")
    stack = up(settings)
    stack.until("ready")
    assert json.loads(results().value() or b"")["request_id"] == "dues-2"

    pids = {each["service"]: each["pid"] for each in stack.of("started")}
    os.kill(pids["validator"], signal.SIGKILL)
    died = stack.until("died")
    assert (died["service"], died["exit_code"]) == ("validator", 128 + signal.SIGKILL)
    stack.until("stopped")
    assert stack.process.wait(30) == 128 + signal.SIGKILL
    left = {"ingest", "inference", "review", "audit"}
    assert {each["service"] for each in stack.of("drained")} == left


def test_with_an_emulator_a_model_answers_from_what_the_asker_brought(
    up: Callable[..., Up], settings: Settings, results: Callable[[], Message]
) -> None:
    stack = up(settings, "--with-emulator")
    stack.until("ready")
    assert stack.of("emulator")
    assert stack.of("review")[0]["note"].startswith("http://127.0.0.1:")
    submit(settings, "dues-3")
    result = json.loads(results().value() or b"")
    assert result["outcome"] == "answered"
    assert result["usage"]["model"] == "emulator:large-1"
    assert result["answer"]["citations"][0]["quote"] in PASSAGE


def test_a_second_ctrl_c_does_not_wait_for_a_service_that_hangs(
    up: Callable[[Settings], Up], settings: Settings
) -> None:
    stack = up(settings)
    stack.until("ready")
    hanging = {each["service"]: each["pid"] for each in stack.of("started")}["validator"]
    os.kill(hanging, signal.SIGSTOP)
    stack.press_ctrl_c()
    stack.until("draining")
    stack.press_ctrl_c()
    assert stack.process.wait(5) == 130
