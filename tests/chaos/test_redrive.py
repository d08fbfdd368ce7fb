"""SIGKILL of `glideslope dlq redrive`: what it had not sent is sent by the next one, once."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from glideslope import cluster
from glideslope.stack import settings_environment
from shared import topics as pipeline
from shared.cloudevents import Event
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.settings import Settings
from tests.chaos.conftest import FULL

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

LETTERS = 1000
KILLS = 12 if FULL else 3
SOURCES = (pipeline.REQUESTS, pipeline.REQUESTS_ACCEPTED, pipeline.ANSWERS_DRAFTED)
START_SECONDS = 30


async def put_dead_letters(settings: Settings, chance: random.Random) -> list[Record]:
    """Write dead letters, some of them in transactions that are aborted; return what they were."""
    records: list[Record] = []
    async with cluster.producer(settings, transactional_id=f"{settings.topic_prefix}w") as producer:
        while len(records) < LETTERS:
            batch = [
                record_of(settings, len(records) + number, chance)
                for number in range(min(chance.randrange(1, 60), LETTERS - len(records)))
            ]
            await producer.begin_transaction()
            for record in batch:
                await put(producer, record, settings)
            if chance.random() < 0.1:
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()
                records += batch
    return records


def record_of(settings: Settings, number: int, chance: random.Random) -> Record:
    topic = chance.choice(SOURCES)
    event = Event(
        id=str(number),
        type=topic.event_type,
        source="/desk",
        data=b"",
        foreign=(("null", None), ("binary", b"\xff\xfe")),
    )
    return Record(
        topic=settings.topic(topic),
        partition=chance.randrange(settings.partitions),
        offset=number,
        timestamp=1_700_000_000_000,
        key=b"key-%d" % chance.randrange(20),
        value=None if chance.random() < 0.05 else chance.randbytes(chance.randrange(2000)),
        headers=tuple(event.headers()),
    )


async def put(producer: AIOKafkaProducer, record: Record, settings: Settings) -> None:
    letter = dead_letter(
        record,
        RuntimeError("boom"),
        topic=settings.topic(pipeline.DEAD_LETTERS),
        service="inference",
        attempts=6,
    )
    await producer.send(
        letter.topic,
        key=letter.key,
        value=letter.value,
        headers=list(letter.headers),
        partition=letter.partition,
    )


async def start_redrive(settings: Settings) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "glideslope", "dlq", "redrive", "--yes", "--operator", "ann"),
        env=settings_environment(settings),
        stdin=DEVNULL,
        stdout=DEVNULL,
    )


async def written(consumer: AIOKafkaConsumer, settings: Settings) -> int:
    """Return how many offsets the source topics have, those of open transactions among them."""
    places = [
        TopicPartition(settings.topic(topic), partition)
        for topic in SOURCES
        for partition in range(settings.partitions)
    ]
    return sum((await consumer.end_offsets(places)).values())


@pytest.mark.timeout(600 if FULL else 180)
async def test_each_of_a_thousand_dead_letters_is_redriven_once_although_it_is_killed(
    settings: Settings, chance: random.Random
) -> None:
    sent = await put_dead_letters(settings, chance)
    killed_at_work = 0
    watching = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    await watching.start()
    try:
        for _ in range(KILLS):
            process = await start_redrive(settings)
            before = await written(watching, settings)
            async with asyncio.timeout(START_SECONDS):
                # a running process tells by what it writes that it has begun
                while (  # noqa: ASYNC110 - a topic tells nobody that it grew
                    process.returncode is None and await written(watching, settings) == before
                ):
                    await asyncio.sleep(0.002)
            await asyncio.sleep(chance.uniform(0, 0.08))
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            killed_at_work += await process.wait() == -signal.SIGKILL
    finally:
        await watching.stop()
    assert await asyncio.wait_for((await start_redrive(settings)).wait(), 120) == 0
    assert await asyncio.wait_for((await start_redrive(settings)).wait(), 120) == 0

    async with cluster.reader(settings, *SOURCES) as reader:
        found = [record async for _, record in reader.to_end()]
    assert Counter(map(content, found)) == Counter(
        content(record, ("glideslope-redrives", b"1")) for record in sent
    )
    assert [in_order(sent, key) for key in keys(sent)] == [
        in_order(found, key) for key in keys(sent)
    ]
    print(f"killed at work {killed_at_work} of {KILLS} times")
    assert killed_at_work > 0, "every command was faster than its SIGKILL"


def content(record: Record, *more: tuple[str, bytes | None]) -> tuple[object, ...]:
    return (record.topic, record.partition, record.key, record.value, (*record.headers, *more))


Place = tuple[str, int, bytes | None]


def keys(records: list[Record]) -> list[Place]:
    return sorted({(record.topic, record.partition, record.key) for record in records})


def in_order(records: list[Record], place: Place) -> list[bytes | None]:
    """Return the ids of the records of one key in one partition, as they follow each other."""
    return [
        dict(record.headers)["ce_id"]
        for record in records
        if (record.topic, record.partition, record.key) == place
    ]
