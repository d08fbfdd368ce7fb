"""The reader on real Kafka: what is committed, all of it, and nothing else."""

import asyncio

import pytest

from glideslope import cluster
from glideslope.cluster import TopicsMissingError
from shared import topics
from shared.settings import Settings
from tests.integration.glideslope.conftest import Service

pytestmark = pytest.mark.kafka


async def test_a_reader_ends_behind_the_last_committed_record(
    settings: Settings, service: Service
) -> None:
    for number in range(3):
        await service.put(topics.RESULTS, b"{}", id=str(number), partition=number % 2)
    await service.put(topics.RESULTS, b"{}", id="aborted", commit=False)

    async with cluster.reader(settings, topics.RESULTS) as reader:
        read = [record async for _, record in reader.to_end()]
        again = [record async for _, record in reader.to_end()]

    assert {dict(record.headers)["ce_id"] for record in read} == {b"0", b"1", b"2"}
    assert len(read) == 3
    assert again == []
    # markers count as offsets, not as records
    assert sum(reader.ends.values()) > len(read)


async def test_an_open_transaction_is_not_waited_for(settings: Settings, service: Service) -> None:
    await service.put(topics.RESULTS, b"{}", id="committed")
    await service.producer.begin_transaction()
    await service.producer.send_and_wait(settings.topic(topics.RESULTS), b"{}", partition=0)

    async with cluster.reader(settings, topics.RESULTS) as reader:
        read = [record async for _, record in reader.to_end()]
    await service.producer.abort_transaction()

    assert len(read) == 1


async def test_a_reader_at_the_end_reads_what_comes_and_no_history(
    settings: Settings, service: Service
) -> None:
    await service.put(topics.RESULTS, b"{}", id="before")

    async with (
        asyncio.timeout(20),
        cluster.reader(settings, topics.RESULTS, start="end") as reader,
    ):
        await service.put(topics.RESULTS, b"{}", id="after")
        _, record = await anext(reader.follow())

    assert dict(record.headers)["ce_id"] == b"after"


async def test_missing_topics_are_named_with_the_command_that_makes_them(
    settings: Settings,
) -> None:
    with pytest.raises(TopicsMissingError, match=r"results.*glideslope topics create"):
        async with cluster.reader(settings, topics.RESULTS):
            pass
