"""The producer on real Kafka: what a `read_committed` reader and the group see of a commit."""

import asyncio
import random

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared import topics as pipeline
from shared.delivery import dialects
from shared.delivery.producer import TransactionalProducer
from shared.delivery.record import Output
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]


@pytest.fixture(params=["as the cluster has it", "as before Kafka 4.0"])
def dialect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to speak to a cluster; a new one takes the older, too."""
    if request.param == "as before Kafka 4.0":
        monkeypatch.setattr(dialects, "spoken", lambda _: dialects.EXPLICIT)


@pytest.fixture
def source(settings: Settings) -> TopicPartition:
    return TopicPartition(settings.topic(pipeline.REQUESTS), 0)


def producer_of(settings: Settings, source: TopicPartition) -> TransactionalProducer:
    return TransactionalProducer(
        f"{source.topic}-{source.partition}",
        group=f"{settings.topic_prefix}group",
        settings=settings,
    )


def output(settings: Settings, value: bytes, partition: int | None = 0) -> Output:
    headers = (("ce_id", b"1"), ("null", None), ("binary", b"\xff\xfe"))
    return Output(settings.topic(pipeline.DEAD_LETTERS), b"key", value, headers, partition)


async def until_committed(
    settings: Settings, source: TopicPartition, offset: int, metadata: str
) -> None:
    """Wait for it: Kafka answers a commit before its marker is where the offset is."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        async with asyncio.timeout(20):
            while True:
                offsets = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}group")
                if source in offsets and offsets[source] == (offset, metadata):
                    return
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def written(settings: Settings) -> list[bytes]:
    """Return the values that a reader sees, partition by partition."""
    consumer = AIOKafkaConsumer(
        settings.topic(pipeline.DEAD_LETTERS),
        bootstrap_servers=settings.bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found: list[bytes] = []
    try:
        for partition, end in (await _settled_ends(settings, consumer)).items():
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(partition, timeout_ms=1000)).values():
                    found += [record.value for record in records]
    finally:
        await consumer.stop()
    return found


async def _settled_ends(
    settings: Settings, committed: AIOKafkaConsumer
) -> dict[TopicPartition, int]:
    """Return the ends once every transaction before them has its marker."""
    async with AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers) as all_there_is:
        async with asyncio.timeout(20):
            while True:
                ends = await all_there_is.end_offsets(committed.assignment())
                if ends == await committed.end_offsets(committed.assignment()):
                    return dict(ends)
                await asyncio.sleep(0.02)


@pytest.mark.usefixtures("dialect")
async def test_a_commit_is_seen_whole_with_its_offset_and_metadata(
    settings: Settings, source: TopicPartition
) -> None:
    producer = producer_of(settings, source)
    await producer.start()
    # more than one batch of a partition, one that only fits compressed, and a key's own partition
    values = [random.randbytes(200_000) for _ in range(6)] + [b"x" * 20_000_000]
    outputs = [output(settings, value) for value in values]
    try:
        await producer.commit([*outputs, output(settings, b"by key", None)], source, 42, "1r:AQE=")
        for number in range(20):  # one right after the other: Kafka is not done with the last yet
            await producer.commit([output(settings, b"%d" % number)], source, 43 + number, "")
        await until_committed(settings, source, 62, "")
        await producer.commit([], source, 70, "1r:AQE=")
    finally:
        await producer.close()
    await until_committed(settings, source, 70, "1r:AQE=")
    seen = await written(settings)
    assert seen.count(b"by key") == 1
    seen.remove(b"by key")
    assert seen == values + [b"%d" % number for number in range(20)]


@pytest.mark.usefixtures("dialect")
async def test_a_producer_whose_id_another_has_taken_writes_nothing_more(
    settings: Settings, source: TopicPartition
) -> None:
    zombie, owner = producer_of(settings, source), producer_of(settings, source)
    await zombie.start()
    try:
        await zombie.commit([output(settings, b"first")], source, 1, "")
        await owner.start()
        await owner.commit([output(settings, b"second")], source, 2, "")
        with pytest.raises(KafkaError):
            await zombie.commit([output(settings, b"zombie")], source, 3, "")
    finally:
        await asyncio.gather(zombie.close(), owner.close())
    await until_committed(settings, source, 2, "")
    assert await written(settings) == [b"first", b"second"]


async def test_a_commit_of_which_a_record_is_refused_leaves_nothing_for_a_reader(
    settings: Settings, source: TopicPartition
) -> None:
    producer = producer_of(settings, source)
    await producer.start()
    too_large = output(settings, random.randbytes(17 * 1024 * 1024))
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.commit([output(settings, b"fits", 1), too_large], source, 1, "")
    finally:
        await producer.close()
    successor = producer_of(settings, source)
    await successor.start()  # which aborts what was left
    await successor.close()
    assert await written(settings) == []
