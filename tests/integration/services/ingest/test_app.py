"""ingest as it runs: the engine, real Kafka, and a restart in between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.ingest.app import build
from services.ingest.settings import IngestSettings
from shared import topics as contract
from shared.delivery.engine import Engine
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

OUTCOMES = (
    contract.REQUESTS_ACCEPTED,
    contract.REQUESTS_REJECTED,
    contract.REQUESTS_DUPLICATED,
    contract.DEAD_LETTERS,
)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    engine = Engine(build(IngestSettings(**settings.model_dump())))
    ready = asyncio.Event()
    task = asyncio.create_task(engine.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield
    finally:
        engine.stop()
        await task


async def submit(settings: Settings, *requests: tuple[str, bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    await producer.start()
    try:
        for name, value in requests:
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_id", name.encode()),
                ("ce_type", contract.REQUESTS.event_type.encode()),
                ("ce_source", b"/crm"),
            ]
            await producer.send_and_wait(
                settings.topic(contract.REQUESTS), value, key=b"conversation", headers=headers
            )
    finally:
        await producer.stop()


async def outcomes(settings: Settings, count: int) -> Counter[str]:
    """Return how many records each outcome topic has, once there are `count` in all."""
    consumer = AIOKafkaConsumer(
        *(settings.topic(topic) for topic in OUTCOMES),
        bootstrap_servers=settings.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            found = Counter[str]()
            while found.total() < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found.update(r.topic.removeprefix(settings.topic_prefix) for r in records)
            return found
    finally:
        await consumer.stop()


async def test_a_duplicate_is_known_after_a_restart_and_every_record_has_one_end(
    settings: Settings,
) -> None:
    async with running(settings):
        await submit(settings, ("a", b'{"question": "Why?"}'), ("b", b'{"question": ""}'))
        await outcomes(settings, 2)
    async with running(settings):
        again = (("a", b'{"question": "Why?"}'), ("b", b'{"question": "Fixed?"}'))
        await submit(settings, *again, ("c", b"[1]"), ("d", b'{"question": '), ("a", b"{}"))
        assert await outcomes(settings, 7) == {
            "requests.accepted": 1,
            "requests.rejected": 2,
            "requests.duplicated": 3,
            "dead.letters": 1,
        }
