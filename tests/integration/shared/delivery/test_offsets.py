"""Positions without a transaction on real Kafka: only the group's present member moves them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError

from shared import topics as pipeline
from shared.delivery.consumer import open_consumer, stop
from shared.delivery.offsets import Offsets
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]


@asynccontextmanager
async def member(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that has its partitions, and does not hear of others in the time of a test."""
    consumer = open_consumer(
        settings.model_copy(update={"instance": "one", "heartbeat_seconds": 5.0}),
        f"{settings.topic_prefix}group",
    )
    consumer.subscribe([settings.topic(pipeline.REQUESTS)])
    await consumer.start()
    try:
        await consumer.getmany(timeout_ms=0)
        yield consumer
    finally:
        await stop(consumer)


@pytest.fixture
async def committed(settings: Settings) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()

    async def ask() -> dict[TopicPartition, tuple[int, str]]:
        offsets = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}group")
        return {partition: (each.offset, each.metadata) for partition, each in offsets.items()}

    yield ask
    await admin.close()


async def test_a_process_whose_place_another_has_taken_moves_no_offset(
    settings: Settings, committed: Callable[[], Awaitable[object]]
) -> None:
    source = TopicPartition(settings.topic(pipeline.REQUESTS), 0)
    async with AsyncExitStack() as stack:
        former = await stack.enter_async_context(member(settings))
        await Offsets(former).commit(source, 0, "former")
        assert await committed() == {source: (0, "former")}
        present = await stack.enter_async_context(member(settings))
        await Offsets(present).commit(source, 0, "present")
        with pytest.raises(CommitFailedError):
            await Offsets(former).commit(source, 0, "zombie")
        assert await committed() == {source: (0, "present")}
