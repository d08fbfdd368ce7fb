"""What goes in, what a `read_committed` reader sees come out, and whether that is right."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Literal, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared import topics
from shared.events import RequestRejected
from shared.settings import Settings
from shared.topics import Topic

HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_type", topics.REQUESTS.event_type.encode()),
    ("ce_source", b"/chaos"),
]
KEYS = 40


class Inputs:
    """The requests that were published: number n has id n, and the key that it says."""

    def __init__(self, settings: Settings, chance: random.Random) -> None:
        self.keys: list[bytes] = []
        self._settings = settings
        self._chance = chance

    async def publish(self, questions: Sequence[str]) -> None:
        """Publish requests, with random keys and the next numbers as ids."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap_servers, enable_idempotence=True
        )
        await producer.start()
        try:
            for question in questions:
                key = b"key-%d" % self._chance.randrange(KEYS)
                await producer.send(
                    self._settings.topic(topics.REQUESTS),
                    key=key,
                    value=b'{"question": "%s"}' % question.encode(),
                    headers=[*HEADERS, ("ce_id", b"%d" % len(self.keys))],
                )
                self.keys.append(key)
        finally:
            await producer.stop()


class Outcomes:
    """Reads relayed requests and dead letters, or what else it is told."""

    def __init__(
        self,
        settings: Settings,
        *carriers: Topic,
        isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
    ) -> None:
        self.records: list[ConsumerRecord] = []
        self._relayed = settings.topic(topics.REQUESTS_REJECTED)
        self._dead = settings.topic(topics.DEAD_LETTERS)
        names = [settings.topic(topic) for topic in carriers] or [self._relayed, self._dead]
        self._consumer = AIOKafkaConsumer(
            *names,
            bootstrap_servers=settings.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level=isolation,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    @property
    def relayed(self) -> list[ConsumerRecord]:
        return [r for r in self.records if r.topic == self._relayed]

    @property
    def dead(self) -> list[ConsumerRecord]:
        return [r for r in self.records if r.topic == self._dead]

    async def until(self, count: int, within: float = 60) -> None:
        """Read until there are this many outcomes."""
        try:
            async with asyncio.timeout(within):
                while len(self.records) < count:
                    await self._read()
        except TimeoutError:
            raise AssertionError(
                f"{len(self.records)} of {count} outcomes after {within} s"
            ) from None

    async def ends(self) -> dict[TopicPartition, int]:
        """Return where the topics end, for a reader of this isolation."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(
            self._consumer.assignment()
        )
        return ends

    async def until_end(self, within: float = 60) -> None:
        """Read up to the end of both topics as it is now."""
        ends = await self.ends()
        async with asyncio.timeout(within):
            while any([await self._consumer.position(p) < end for p, end in ends.items()]):
                await self._read()

    async def _read(self) -> None:
        for fetched in (await self._consumer.getmany(timeout_ms=100)).values():
            self.records += fetched


def number_of(record: ConsumerRecord) -> int:
    """Return the number of the request that an outcome belongs to."""
    if any(name == "glideslope-source-offset" for name, _ in record.headers):  # a dead letter
        return int(dict(record.headers)["ce_id"])
    return int(RequestRejected.model_validate_json(record.value).request_id)


def assert_exactly_once(
    inputs: Inputs, outcomes: Outcomes, *, in_order: bool = True, but: Collection[int] = ()
) -> None:
    """Every request has one outcome under its own key, and those of a key come in order.

    `but` are requests that may have none, being left for a restart.
    """
    seen = Counter(map(number_of, outcomes.records))
    expected = set(range(len(inputs.keys)))
    assert {n: times for n, times in seen.items() if times > 1} == {}, "repeated"
    assert expected - set(seen) - set(but) == set(), "lost"
    assert set(seen) <= expected, "invented"
    order: dict[bytes, list[int]] = defaultdict(list)
    for record in outcomes.relayed:
        assert record.key == inputs.keys[number_of(record)], "under another key"
        order[record.key].append(number_of(record))
    if in_order:
        assert all(numbers == sorted(numbers) for numbers in order.values()), "out of order"
