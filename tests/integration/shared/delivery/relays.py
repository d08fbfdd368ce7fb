"""Relays as processes, what is sent to them, and what becomes of it."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from shared import topics
from shared.settings import Settings

RELAY = Path(__file__).parent / "relay.py"
HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_type", topics.REQUESTS.event_type.encode()),
    ("ce_source", b"/desk"),
    ("null", None),
    ("binary", b"\xff\xfe"),
]


async def start_relay(
    settings: Settings, *, stderr: IO[bytes] | None = None, **environment: str
) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(RELAY),
        stderr=stderr,
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "GLIDESLOPE_TOPIC_PREFIX": settings.topic_prefix,
            "GLIDESLOPE_GRACE_SECONDS": "5",
            "GLIDESLOPE_SESSION_TIMEOUT_SECONDS": "6",
            "GLIDESLOPE_RETRY_DELAYS_SECONDS": "[0.2]",
            "PYTHONPATH": str(Path.cwd()),
            **environment,
        },
    )


@asynccontextmanager
async def relays(settings: Settings, count: int) -> AsyncIterator[list[Process]]:
    processes = [await start_relay(settings) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def publish(
    settings: Settings, questions: Iterable[tuple[bytes, bytes]], *, first: int = 0
) -> None:
    """Publish (key, value) pairs to `requests`, with ids from `first` on."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all")
    await producer.start()
    try:
        for number, (key, value) in enumerate(questions, first):
            await producer.send(
                settings.topic(topics.REQUESTS),
                key=key,
                value=value,
                headers=[*HEADERS, ("ce_id", str(number).encode())],
            )
    finally:
        await producer.stop()


class Reader:
    """Everything that a `read_committed` reader sees on the outcome topics."""

    def __init__(self, settings: Settings) -> None:
        self.records: list[ConsumerRecord] = []
        self._settings = settings

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            self._settings.topic(topics.REQUESTS_REJECTED),
            self._settings.topic(topics.DEAD_LETTERS),
            bootstrap_servers=self._settings.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def until(self, count: int, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while len(self.records) < count:
                await self.fetch()

    async def until_end(self) -> None:
        """Read up to the end of both topics as it is now."""
        partitions = self._consumer.assignment()
        ends = await self._consumer.end_offsets(partitions)
        while any([await self._consumer.position(p) < ends[p] for p in partitions]):
            await self.fetch()

    async def fetch(self) -> None:
        """Read what there is; wait for 200 ms at the most when there is nothing."""
        for fetched in (await self._consumer.getmany(timeout_ms=200)).values():
            self.records += fetched

    def of(self, topic: topics.Topic) -> list[ConsumerRecord]:
        return [r for r in self.records if r.topic == self._settings.topic(topic)]
