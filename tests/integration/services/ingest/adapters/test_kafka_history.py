"""What is remembered of earlier requests, on real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer

from services.ingest.adapters.kafka_history import KafkaHistory
from services.ingest.duplicates import Sighting
from shared import topics as contract
from shared.cloudevents import Event
from shared.events import RequestAccepted, RequestRejected
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = timedelta(hours=24)
Ending = RequestAccepted | RequestRejected


def accepted(name: str, ago: timedelta = timedelta()) -> RequestAccepted:
    return RequestAccepted(
        request_id=name,
        request_source="/crm",
        tenant="default",
        question="Why?",
        received_at=NOW - ago,
        release="0" * 64,
    )


def rejected(name: str, ago: timedelta = timedelta()) -> RequestRejected:
    return RequestRejected(
        request_id=name, request_source="/crm", code="empty", message="…", received_at=NOW - ago
    )


async def send(
    producer: AIOKafkaProducer,
    settings: Settings,
    end: Ending,
    *,
    partition: int = 0,
    key: bytes | None = b"k",
) -> None:
    is_accepted = isinstance(end, RequestAccepted)
    topic = contract.REQUESTS_ACCEPTED if is_accepted else contract.REQUESTS_REJECTED
    event = Event(
        id=end.request_id,
        type=topic.event_type,
        source="/glideslope/ingest",
        data=end.model_dump_json().encode(),
    )
    await producer.send(
        settings.topic(topic), event.data, key=key, headers=event.headers(), partition=partition
    )


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id=f"{settings.topic_prefix}history",
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def remembered(settings: Settings, window: timedelta = WINDOW) -> list[Sighting]:
    return [sighting async for sighting in KafkaHistory(settings).ended(0, window)]


async def test_a_partition_without_any_end_remembers_nothing(settings: Settings) -> None:
    assert await remembered(settings) == []


async def test_accepted_and_rejected_requests_of_the_partition_are_remembered_with_their_key(
    settings: Settings,
) -> None:
    async with producing(settings) as producer, producer.transaction():
        await send(producer, settings, accepted("a"))
        await send(producer, settings, accepted("no key"), key=None)
        await send(producer, settings, accepted("elsewhere"), partition=1)
        await send(producer, settings, rejected("r"))
    assert await remembered(settings) == [
        Sighting(b"k", "/crm", "a", NOW),
        Sighting(None, "/crm", "no key", NOW),
        Sighting(b"k", "/crm", "r", NOW),
    ]


async def test_what_was_not_committed_is_not_remembered(settings: Settings) -> None:
    async with producing(settings) as producer:
        async with producer.transaction():
            await send(producer, settings, accepted("a"))
        for _ in range(20):  # more than the few that are looked at first
            await producer.begin_transaction()
            await send(producer, settings, accepted("aborted"))
            await producer.flush()
            await producer.abort_transaction()
    assert [each.id for each in await remembered(settings)] == ["a"]


async def test_a_transaction_that_is_still_open_is_waited_for(settings: Settings) -> None:
    async with producing(settings) as producer:
        await producer.begin_transaction()
        await send(producer, settings, accepted("a"))
        await producer.flush()
        remembering = asyncio.create_task(remembered(settings))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(remembering), timeout=1)
        await producer.commit_transaction()
        assert [each.id for each in await remembering] == ["a"]


async def test_nothing_but_aborted_records_is_nothing(settings: Settings) -> None:
    async with producing(settings) as producer:
        await producer.begin_transaction()
        await send(producer, settings, accepted("aborted"))
        await producer.flush()
        await producer.abort_transaction()
    assert await remembered(settings) == []


async def test_the_window_is_counted_back_from_the_newest_request_and_not_from_the_clock(
    settings: Settings,
) -> None:
    # the topics bear Kafka's time: what was received earlier still stands after the start
    async with producing(settings) as producer, producer.transaction():
        await send(producer, settings, accepted("a", ago=timedelta(days=9)))
        await send(producer, settings, rejected("b", ago=timedelta(days=8, hours=1)))
    assert [each.id for each in await remembered(settings)] == ["a", "b"]


async def test_what_was_written_before_the_window_is_not_read(settings: Settings) -> None:
    async with producing(settings) as producer:
        async with producer.transaction():
            await send(producer, settings, accepted("early"))
        ahead = timedelta(days=-2)
        async with producer.transaction():
            await send(producer, settings, accepted("late", ago=ahead))
    assert [each.id for each in await remembered(settings, timedelta(days=1))] == []
    assert len(await remembered(settings, timedelta(days=3))) == 2


async def test_somebody_elses_record_is_passed_over(settings: Settings) -> None:
    async with producing(settings) as producer:
        async with producer.transaction():
            await send(producer, settings, accepted("a"))
        async with producer.transaction():
            for topic in (contract.REQUESTS_ACCEPTED, contract.REQUESTS_REJECTED):
                await producer.send(settings.topic(topic), b"junk", partition=0)
                await producer.send(settings.topic(topic), None, key=b"tombstone", partition=0)
    assert [each.id for each in await remembered(settings)] == ["a"]
