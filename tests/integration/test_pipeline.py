"""Every record that a foreign client sends has exactly one end, whatever is killed meanwhile.

The client is confluent-kafka: none of our code produces or reads here.
"""

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from glideslope.stack import Stack
from services.audit.adapters.stores import open_keys, read
from services.audit.settings import AuditSettings
from shared.settings import Settings
from tests.conftest import WITHOUT_REVIEW

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

TYPE: Final = "glideslope.request.submitted.v1"
OUTCOMES: Final = ("results", "requests.rejected", "dead.letters", "requests.duplicated")
COUNT: Final = 1000
LARGEST: Final = 20_000  # bytes that ingest is told to take; the topic takes a megabyte


Header = tuple[str, str | bytes | None]


@dataclass(frozen=True)
class Sent:
    """One record, and where it must end."""

    end: str
    id: str
    key: bytes | None
    value: bytes | None
    headers: list[Header]


def attributes(id_: str, **changed: bytes | None) -> list[Header]:
    """Return the headers of binary mode; an attribute changed to b"" is left out."""
    binary: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": id_.encode(),
        "ce_type": TYPE.encode(),
        "ce_source": b"/desk/credit",
        "content-type": b"application/json",
    }
    return [(name, value) for name, value in {**binary, **changed}.items() if value != b""]


def question(text: str, **more: object) -> bytes:
    return json.dumps({"question": text, **more}).encode()


def mixed(chance: random.Random) -> list[Sent]:
    """Make records of every kind, good and bad, in random order."""
    sent = [
        record
        for number in range(COUNT)
        for record in chance.choice(KINDS)(f"q-{number}", chance.randrange(60))
    ]
    chance.shuffle(sent)
    return sent


def answerable(name: str) -> bytes:
    limit = f"The credit limit of desk {name} is {int(name[2:]) + 7} million euros."
    asked = f"What is the credit limit of desk {name}?"
    return question(asked, passages=[{"id": f"p-{name}", "text": limit}])


def structured(name: str) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": name,
            "type": TYPE,
            "source": "/desk/credit",
            "data": json.loads(answerable(name)),
        }
    ).encode()


Kind = Callable[[str, int], list[Sent]]
ODD_HEADERS: Final[list[Header]] = [("null", None), ("binary", b"\xff\xfe\x00")]
STRUCTURED: Final[list[Header]] = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def kind(
    end: str,
    value: Callable[[str], bytes | None],
    headers: Callable[[str], list[Header]] = attributes,
    *,
    twice: bool = False,
) -> Kind:
    def records(name: str, conversation: int) -> list[Sent]:
        key = f"conversation-{conversation}".encode()
        first = Sent(end, name, key, value(name), headers(name))
        return [first, replace(first, end="requests.duplicated")] if twice else [first]

    return records


KINDS: Final[tuple[Kind, ...]] = (
    kind("results", answerable),
    kind("results", answerable, twice=True),
    kind("results", answerable, lambda name: [*ODD_HEADERS, *attributes(name)]),
    kind("results", lambda _: question("Who won the regatta of Atlantis?")),
    kind("results", structured, lambda _: STRUCTURED),
    kind("requests.rejected", lambda _: question("  \n ")),
    kind("requests.rejected", lambda _: question("x" * 8001)),
    kind("requests.rejected", lambda _: question("Why?", metadata={"note": "x" * LARGEST})),
    kind("requests.rejected", lambda _: b"[1, 2]"),
    kind("requests.rejected", lambda _: question("Too late?", deadline="2020-01-01T00:00:00Z")),
    kind("dead.letters", lambda name: b"\xff{" + name.encode()),
    kind("dead.letters", answerable, lambda name: attributes(name, ce_id=b"")),
    kind("dead.letters", answerable, lambda name: attributes(name, ce_source=None)),
    kind("dead.letters", answerable, lambda name: attributes(name, ce_type=b"acme.order.v1")),
    kind("dead.letters", lambda _: None),
)


class Foreign:
    """A client that knows Kafka and nothing of ours."""

    def __init__(self, settings: Settings) -> None:
        self._servers = {"bootstrap.servers": settings.bootstrap_servers}
        self._prefix = settings.topic_prefix
        self.positions: dict[tuple[int, int], Sent] = {}
        self.seen: list[Message] = []
        self._consumer = Consumer(
            {
                **self._servers,
                "group.id": f"{self._prefix}foreign",
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        self._consumer.assign(
            [
                TopicPartition(f"{self._prefix}{topic}", partition, 0)
                for topic in OUTCOMES
                for partition in range(settings.partitions)
            ]
        )

    def send(self, records: list[Sent], **configuration: str | int) -> None:
        producer = Producer({**self._servers, "enable.idempotence": True, **configuration})
        for record in records:

            def delivered(error: object, message: Message, record: Sent = record) -> None:
                assert error is None
                self.positions[position_of(message)] = record

            producer.produce(
                f"{self._prefix}requests",
                key=record.key,
                value=record.value,
                headers=record.headers,
                on_delivery=delivered,
            )
            producer.poll(0)
        assert producer.flush(30) == 0

    def read(self, count: int) -> None:
        """Read until `count` outcomes have been seen; fail when nothing comes for a minute."""
        while len(self.seen) < count:
            message = self._consumer.poll(60)
            assert message is not None, f"{len(self.seen)} of {count} outcomes, then silence"
            if message.error() is None:
                self.seen.append(message)

    def read_to_end(self) -> None:
        ends = 0
        self._consumer.assign(self._consumer.position(self._consumer.assignment()))
        while ends < len(self._consumer.assignment()):
            message = self._consumer.poll(30)
            assert message is not None
            if message.error() is None:
                self.seen.append(message)
            else:
                ends += 1

    def await_audit(self) -> None:
        """Wait until audit has passed all that was sent: a result may be out before its request,
        a record of another topic, is in the log. What audit has not come to when it is drained,
        its next start logs."""
        committed = Consumer({**self._servers, "group.id": f"{self._prefix}audit"})
        try:
            sent = [
                TopicPartition(f"{self._prefix}requests", partition)
                for partition in {partition for partition, _ in self.positions}
            ]
            give_up = time.monotonic() + 60
            while left := [
                f"{each.partition}: {each.offset} of {end}"
                for each in committed.committed(sent, timeout=30)
                if each.offset < (end := committed.get_watermark_offsets(each, timeout=30)[1])
            ]:
                assert time.monotonic() < give_up, f"audit does not get on; it has passed {left}"
                time.sleep(0.05)
        finally:
            committed.close()

    def outcomes(self, topic: str) -> list[Message]:
        return [message for message in self.seen if message.topic() == f"{self._prefix}{topic}"]


def position_of(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return partition, offset


def headers_of(message: Message) -> Mapping[str, str | bytes | None]:
    return dict(message.headers() or [])


@pytest.mark.parametrize("victims", [("ingest", "validator"), ("inference", "audit")])
async def test_a_thousand_mixed_records_each_end_once_although_services_are_killed(
    settings: Settings, victims: tuple[str, ...]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # to repeat a failure
    records = mixed(random.Random(seed))
    settings = settings.model_copy(update={"session_timeout_seconds": 6.0})
    smaller = {"GLIDESLOPE_RECORD_MAX_BYTES": str(LARGEST)}
    async with Stack(settings, environment=smaller, services=WITHOUT_REVIEW) as stack:
        client = Foreign(settings)
        client.send(records)
        client.read(len(records) // 3)
        for victim in victims:
            await stack.kill(victim, signal.SIGKILL)
        for victim in victims:
            await stack.start(victim)
        client.read(len(records))
        client.await_audit()
    assert stack.drained
    client.read_to_end()

    expected = {topic: Counter(r.id for r in records if r.end == topic) for topic in OUTCOMES}
    for topic in ("results", "requests.rejected", "requests.duplicated"):
        found = Counter(json.loads(m.value() or b"")["request_id"] for m in client.outcomes(topic))
        assert found == expected[topic], topic
    check_dead_letters(client)
    check_audit(settings, client)


async def test_a_compressed_record_larger_than_its_topic_takes_is_kept(settings: Settings) -> None:
    """The broker measures a batch as it comes, compressed; a service has it unpacked."""
    key = b"conversation-1"
    junk = b"\xff{" + b"no JSON, and no end of it. " * 120_000
    assert len(junk) > 3 * 1024 * 1024
    large = Sent("dead.letters", "q-large", key, junk, attributes("q-large"))
    next_ = Sent("results", "q-2", key, answerable("q-2"), attributes("q-2"))
    compressed: dict[str, str | int] = {
        "compression.type": "gzip",
        "message.max.bytes": 8 * 1024 * 1024,
    }
    async with Stack(settings, services=WITHOUT_REVIEW) as stack:
        client = Foreign(settings)
        client.send([large], **compressed)
        client.send([next_])
        client.read(2)
        client.await_audit()
    assert stack.drained
    client.read_to_end()
    assert [json.loads(m.value() or b"")["request_id"] for m in client.outcomes("results")] == [
        next_.id
    ]
    check_dead_letters(client)
    check_audit(settings, client)


def check_dead_letters(client: Foreign) -> None:
    """Each undecodable record is kept once, byte for byte."""
    found: Counter[tuple[int, int]] = Counter()
    for message in client.outcomes("dead.letters"):
        told = headers_of(message)
        position = (
            int(told["glideslope-source-partition"] or b""),
            int(told["glideslope-source-offset"] or b""),
        )
        found[position] += 1
        original = client.positions[position]
        assert (message.key(), message.value()) == (original.key, original.value)
        assert list(message.headers() or [])[: len(original.headers)] == original.headers
    undecodable = {p for p, record in client.positions.items() if record.end == "dead.letters"}
    assert found == Counter(undecodable)


def check_audit(settings: Settings, client: Foreign) -> None:
    """Each record that was sent stands in the log of its partition once, byte for byte."""
    logged: Counter[tuple[int, int]] = Counter()
    with closing(open_keys(AuditSettings(home=settings.home))) as keys:
        entries = [
            entry
            for partition in range(settings.partitions)
            for _, entry in read(settings.home / "audit" / str(partition), keys)
            if entry.position.topic == f"{settings.topic_prefix}requests"
        ]
    for entry in entries:
        position = (entry.position.partition, entry.position.offset)
        logged[position] += 1
        original = client.positions[position]
        assert (entry.key, entry.value) == (original.key, original.value)
        assert list(entry.headers) == original.headers
    assert logged == Counter(client.positions.keys())
