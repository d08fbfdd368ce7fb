"""The load and the reader: confluent-kafka, the same for every contender."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # both are

PARTITION_UA: Final = -1  # librdkafka's "whichever the key says"
PARTITIONS: Final = 8
BYTES: Final = 600
_KEYS: Final = 1000
_SILENCE_SECONDS: Final = 120.0

_HEADERS: Final = [
    ("ce_specversion", b"1.0"),
    ("ce_type", b"glideslope.request.submitted.v1"),
    ("ce_source", b"/bench"),
]


class SilenceError(RuntimeError):
    """A contender has stopped writing before everything was there."""


def create(servers: str, *topics: str) -> None:
    """Create topics and wait until they are there."""
    wanted = [NewTopic(topic, PARTITIONS, 1) for topic in topics]
    admin = AdminClient({"bootstrap.servers": servers})  # kept: its futures die with it
    for future in admin.create_topics(wanted).values():
        future.result(30)


def value(text: str) -> bytes:
    """Return an event's data of `BYTES` bytes."""
    empty = b'{"question":"%s","metadata":{"desk":"credit"}}'
    return empty % text.ljust(BYTES - len(empty) + 2, "x").encode()


def fill(servers: str, topic: str, texts: Sequence[str], *, one_partition_each: int = 0) -> None:
    """Write one event for each text, as fast as it goes.

    The first `one_partition_each` go to partitions 0, 1, 2, … with keys of their own.
    """
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "acks": "all"})
    for number, text in enumerate(texts):
        key = f"slow-{number}" if number < one_partition_each else f"key-{number % _KEYS}"
        partition = number if number < one_partition_each else PARTITION_UA
        while True:
            try:
                producer.produce(
                    topic,
                    key=key,
                    value=value(text),
                    headers=[*_HEADERS, ("ce_id", str(number).encode())],
                    partition=partition,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush(60)


def pace(servers: str, topic: str, *, a_second: int, seconds: float) -> int:
    """Write events at an even pace, each with the time it was due; return how many."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0, "acks": "all"})
    count = int(a_second * seconds)
    start = time.time()
    for number in range(count):
        due = start + number / a_second
        time.sleep(max(0.0, due - time.time()))
        producer.produce(
            topic,
            key=f"key-{number % _KEYS}",
            value=value(f"{due:.6f} "),
            headers=[*_HEADERS, ("ce_id", f"paced-{number}".encode())],
        )
        producer.poll(0)
    producer.flush(60)
    return count


def read(servers: str, topic: str, count: int) -> Iterator[tuple[float, bytes]]:
    """Yield (time, value) of `count` events, as a `read_committed` reader sees them."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"{topic}.reader",
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 5,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    seen = 0
    quiet_since = time.time()
    try:
        while seen < count:
            first = consumer.poll(1.0)  # `consume` alone would wait until it has its fill
            messages = [] if first is None else [first, *consumer.consume(499, timeout=0)]
            now = time.time()
            for message in messages:
                if message.error() is None:
                    seen += 1
                    quiet_since = now
                    yield now, message.value() or b""
            if now - quiet_since > _SILENCE_SECONDS:
                raise SilenceError(f"{seen} of {count} events on {topic}, then silence")
    finally:
        consumer.close()
