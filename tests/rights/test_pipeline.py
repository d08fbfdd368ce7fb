"""The pipeline end to end over SASL_SSL, each service and each role with its own rights alone.

One long story: starting all of it costs more than everything that is looked at afterwards.
"""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from glideslope.access import Kind, Operation
from shared import topics
from tests.rights.conftest import EVERYBODY, PREFIX, Pipeline, crash, running
from tests.secured import ADMIN, Secured

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

WITHIN: Final = 120.0
SOURCE: Final = "/desk/credit"
EARLY_REPAYMENT: Final = "What is the early repayment fee for Flexline?"
FAQ: Final = Path(__file__).parents[2] / "glideslope" / "samples" / "texts" / "flexline-faq.md"
BRIEF: Final = Path(__file__).parents[2] / "releases" / "brief.yaml"


class System:
    """A foreign system: librdkafka, and a role's name and password."""

    def __init__(self, kafka: Secured, role: str) -> None:
        self._client = kafka.client(role)
        self._group = f"{PREFIX}{role}.{uuid4().hex[:6]}"
        self._consumer: Consumer | None = None

    def publish(self, topic: str, value: bytes, kind: str) -> str:
        """Publish one event and wait until Kafka has it; return its id."""
        id_ = str(uuid4())
        refused: list[Any] = []
        producer = Producer(self._client)
        producer.produce(
            f"{PREFIX}{topic}",
            value=value,
            key=b"conversation",
            headers={
                "ce_specversion": "1.0",
                "ce_id": id_,
                "ce_type": kind,
                "ce_source": SOURCE,
                "content-type": "application/json",
            },
            on_delivery=lambda error, _: refused.append(error) if error else None,
        )
        producer.flush(30)
        if refused:
            raise KafkaException(refused[0])
        return id_

    def ask(self, question: str, **more: Any) -> str:
        data = json.dumps({"question": question, **more}).encode()
        return self.publish("requests", data, topics.REQUESTS.event_type)

    def result(self, request_id: str) -> Mapping[str, Any]:
        """Wait for a request's result."""
        if self._consumer is None:
            told = {"group.id": self._group, "auto.offset.reset": "earliest"}
            self._consumer = Consumer({**self._client, **told, "isolation.level": "read_committed"})
            self._consumer.subscribe([f"{PREFIX}results"])
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            message = self._consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            data: Mapping[str, Any] = json.loads(message.value() or b"{}")
            if data["request_id"] == request_id:
                return data
        pytest.fail(f"no result of {request_id} in {WITHIN:.0f} s")

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()


def until(there: Callable[[], Any]) -> Any:
    """Wait until something is there, and return it."""
    end = time.monotonic() + WITHIN
    while not (found := there()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.5)
    return found


def everybody_does_what_is_theirs(pipeline: Pipeline) -> None:
    run = pipeline.run
    asker, rater = System(pipeline.kafka, "asker"), System(pipeline.kafka, "rater")
    supplier, reader = System(pipeline.kafka, "supplier"), System(pipeline.kafka, "reader")

    run("operator", "index", str(FAQ))
    document = {
        "document_id": "note",
        "title": "Note",
        "text": "The lease of Sallowby ends in May.",
    }
    data = json.dumps(document).encode()
    supplier.publish("documents", data, topics.DOCUMENTS.event_type)

    answered = asker.ask("What is the highest Flexline limit?")
    assert asker.result(answered)["outcome"] == "answered"
    assert reader.result(answered)["receipt"]["size"] > 0
    rating = json.dumps({"request_id": answered, "request_source": SOURCE, "rating": "up"}).encode()
    rater.publish("feedback", rating, topics.FEEDBACK.event_type)

    waiting = asker.ask(EARLY_REPAYMENT, metadata={"planted_fault": "wrong_number_always"})
    until(lambda: waiting in run("reviewer", "review", "list", "--json"))
    run(
        "reviewer",
        "review",
        "reject",
        waiting,
        "--reason",
        "the figure is wrong",
        "--reviewer",
        "r",
    )
    assert asker.result(waiting)["outcome"] == "refused"

    asker.publish("requests", b"\x00 no JSON", topics.REQUESTS.event_type)
    letter = until(lambda: a_dead_letter(run))
    run("operator", "dlq", "show", letter, "--reveal", "--reason", "to see it")
    run("redriver", "dlq", "redrive", "--yes", "--reason", "once more")

    run("releaser", "release", "create", str(BRIEF), "--who", "o")
    run("releaser", "release", "promote", "brief", "--who", "o", "--why", "shorter")
    json.loads(run("operator", "ask", "What is the highest Flexline limit?", "--json"))
    json.loads(run("operator", "status", "--json"))
    run("auditor", "audit", "gaps")
    a_model_is_away(pipeline, asker)
    for system in (asker, rater, supplier, reader):
        system.close()


def a_model_is_away(pipeline: Pipeline, asker: System) -> None:
    """Ask a model whose server does not answer: what is said of that must not say its key."""
    remote = pipeline.home / "remote.yaml"
    text = BRIEF.read_text().replace("name: brief", "name: remote")
    text = text.replace("prompt: extractive-1", "prompt: grounded-1")
    remote.write_text(text.replace("model: extractive", "model: gateway:large", 1))
    pipeline.run("releaser", "release", "create", str(remote), "--who", "o")
    pipeline.run("releaser", "release", "promote", "remote", "--who", "o", "--why", "to see")
    until(lambda: '"revision": 2' in pipeline.log("ingest"))  # it pins requests to that now
    asker.ask("What is the highest Flexline limit?")
    until(lambda: '"model failed"' in pipeline.log("inference"))


def a_dead_letter(run: Callable[..., str]) -> str | None:
    """Return the position of some dead letter, if there is one."""
    found = re.search(r"dead\.letters/\d+/\d+", run("operator", "dlq", "list"))
    return found[0] if found else None


def every_record(kafka: Secured) -> bytes:
    """Return everything that lies on any topic, keys and headers too, aborted records as well."""
    consumer = Consumer(
        {
            **kafka.client(ADMIN),
            "group.id": "looking",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_uncommitted",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    names = [name for name in consumer.list_topics(timeout=30).topics if name.startswith(PREFIX)]
    consumer.subscribe(names)
    found: list[bytes] = []
    ended: set[tuple[str | None, int | None]] = set()
    while len(ended) < 2 * len(names):
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            ended.add((message.topic(), message.partition()))
            continue
        headers = repr(message.headers()).encode()
        found += [message.key() or b"", message.value() or b"", headers]
    consumer.close()
    return b"\n".join(found)


def metrics(pipeline: Pipeline) -> str:
    said = []
    for service in pipeline.supervisors:
        with urllib.request.urlopen(f"{pipeline.health(service)}/metrics", timeout=10) as answer:  # noqa: S310 - our own address
            said.append(answer.read().decode())
    return "".join(said)


def limits_of(pid: int) -> str:
    return Path(f"/proc/{pid}/limits").read_text()


async def test_a_pipeline_with_least_rights_answers_and_gives_nothing_away(
    kafka: Secured, tmp_path: Path
) -> None:
    pipeline = Pipeline(kafka, tmp_path)
    async with running(pipeline):
        await asyncio.to_thread(everybody_does_what_is_theirs, pipeline)
        measured = await asyncio.to_thread(metrics, pipeline)
        published = await asyncio.to_thread(every_record, kafka)
        limits = await asyncio.to_thread(limits_of, pipeline.pid("validator"))
        crash(pipeline, "validator")
        await pipeline.supervisors["validator"].died()

    used_and_refused(kafka)
    assert "records_committed" in measured
    assert b"Flexline" in published
    assert "Fatal Python error: Segmentation fault" in pipeline.log("validator")
    assert '"trace_id"' in pipeline.log("validator")  # spans are there to be looked through
    assert "Max core file size        0                    0" in limits
    shown = {
        "metrics": measured.encode(),
        "topics": published,
        **{str(path): path.read_bytes() for path in pipeline.logs.iterdir()},
        **{
            str(path): path.read_bytes()
            for path in (tmp_path / "state").rglob("*")
            if path.is_file()
        },
    }
    given_away = [
        where
        for where, content in shown.items()
        for canary in pipeline.canaries
        if canary.encode() in content
    ]
    assert given_away == []


def used_and_refused(kafka: Secured) -> None:
    """Compare what was asked of the authorizer with what is declared, both ways."""
    decisions = kafka.decisions()
    refused = {
        (who, operation, kind, name)
        for who, allowed, operation, kind, name in decisions
        # the installer looks where each topic ends, and its client begins to fetch on its own
        if not allowed and who in EVERYBODY and who != "installer"
    }
    assert refused == set()
    used = {
        (who, operation, kind, name) for who, allowed, operation, kind, name in decisions if allowed
    }
    for name, principal in EVERYBODY.items():
        if principal.is_service:
            idle = [
                right
                for right in principal.rights
                if (right.operation, right.kind) == (Operation.READ, Kind.TOPIC)
                and (name, "READ", "Topic", right.name) not in used
            ]
            assert idle == [], f"{name} was never seen to read these: take the rights away"
