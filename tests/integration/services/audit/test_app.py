"""Audit on real Kafka, driven by the engine."""

import asyncio
import errno
import gc
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.audit.adapters.stores import open_keys, read
from services.audit.app import build
from services.audit.entry import Entry
from services.audit.settings import AuditSettings
from shared import topics
from shared.delivery.engine import Engine
from shared.delivery.errors import FatalError
from shared.events import Answer, AnswerChecked, Confidence, RequestAccepted, Result, Usage
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

OUTAGE_SECONDS = 600 if os.environ.get("GLIDESLOPE_CHAOS") == "full" else 0
"""How long the storage stays out of order: ten minutes in `make chaos`, else none."""


@pytest.fixture
def audit_settings(settings: Settings) -> AuditSettings:
    return AuditSettings(**settings.model_dump())


def engine_of(settings: AuditSettings) -> tuple[Engine, "asyncio.Task[None]", asyncio.Event]:
    engine, ready = Engine(build(settings)), asyncio.Event()
    return engine, asyncio.create_task(engine.run(ready.set)), ready


@asynccontextmanager
async def audit(settings: AuditSettings) -> AsyncIterator[None]:
    engine, running, ready = engine_of(settings)
    await asyncio.wait_for(ready.wait(), 60)
    yield
    engine.stop()
    await running


def approval(number: int) -> bytes:
    checked = AnswerChecked(
        request=RequestAccepted(
            request_id=f"r-{number}",
            request_source="/crm",
            tenant="default",
            question="?",
            received_at=datetime(2026, 1, 1, tzinfo=UTC),
            release="abc",
        ),
        answer=Answer(text=f"answer {number}"),
        usage=Usage(model="extractive"),
        checks=(),
        confidence=Confidence(probability=1, threshold=0.9),
        reason="every check passed",
    )
    return checked.model_dump_json().encode()


async def publish(settings: Settings, topic: topics.Topic, values: Sequence[bytes | None]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all")
    await producer.start()
    try:
        for number, value in enumerate(values):
            await producer.send(
                settings.topic(topic),
                key=b"k",
                value=value,
                partition=number % settings.partitions,
                headers=[
                    ("ce_specversion", b"1.0"),
                    ("ce_id", str(number).encode()),
                    ("ce_source", b"/test"),
                    ("ce_type", topic.event_type.encode()),
                    ("null", None),
                    ("binary", b"\xff"),
                ],
            )
    finally:
        await producer.stop()


async def committed(settings: Settings, topic: topics.Topic, count: int) -> list[bytes]:
    """Return the values of the topic once it has `count` records, and any beyond them."""
    consumer = AIOKafkaConsumer(
        settings.topic(topic),
        bootstrap_servers=settings.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    values: list[bytes] = []
    try:
        async with asyncio.timeout(60):
            while len(values) < count or not await _at_end(consumer):
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    values += [record.value for record in fetched]
    finally:
        await consumer.stop()
    return values


async def _at_end(consumer: AIOKafkaConsumer) -> bool:
    ends = await consumer.end_offsets(consumer.assignment())
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def log_of(settings: AuditSettings, partition: int) -> list[tuple[int, Entry]]:
    with closing(open_keys(settings)) as keys:
        return list(read(settings.log_folder(partition), keys))


def logged(settings: AuditSettings) -> list[Entry]:
    return [
        entry
        for partition in range(settings.partitions)
        for _, entry in log_of(settings, partition)
    ]


async def in_log(settings: AuditSettings, count: int) -> None:
    """Wait until the logs have `count` entries together."""
    async with asyncio.timeout(60):
        while len(logged(settings)) < count:  # noqa: ASYNC110 - a file tells nobody that it grew
            await asyncio.sleep(0.1)


def partitions_of(settings: Settings, topic: topics.Topic) -> list[TopicPartition]:
    return [TopicPartition(settings.topic(topic), n) for n in range(settings.partitions)]


async def set_back(settings: Settings, topic: topics.Topic) -> None:
    """Have audit, which does not run, read the topic again: no crash can repeat more."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.topic_prefix}audit",
        enable_auto_commit=False,
    )
    consumer.assign(partitions_of(settings, topic))
    await consumer.start()
    try:
        await consumer.commit(dict.fromkeys(partitions_of(settings, topic), 0))
    finally:
        await consumer.stop()


async def handled(settings: Settings, topic: topics.Topic) -> None:
    """Wait until audit's positions are past every record of the topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        async with asyncio.timeout(60):
            while not all(  # noqa: ASYNC110 - a group tells nobody how far it is
                offset.offset > 0
                for offset in (
                    await admin.list_consumer_group_offsets(
                        f"{settings.topic_prefix}audit", partitions=partitions_of(settings, topic)
                    )
                ).values()
            ):
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


EXPECTED = {
    topics.ANSWERS_APPROVED: 41,
    topics.REQUESTS: 4,
    topics.RESULTS: 20,
    topics.DEAD_LETTERS: 1,
    topics.RELEASES: 1,  # the built-in one, registered when topics are created
}


async def test_every_record_is_in_the_log_once_and_every_approval_becomes_one_result(
    audit_settings: AuditSettings,
) -> None:
    approvals: list[bytes | None] = [approval(number) for number in range(20)]
    async with audit(audit_settings):
        await publish(audit_settings, topics.ANSWERS_APPROVED, approvals)
        await publish(audit_settings, topics.REQUESTS, [b"\xff", None, b"{}", b""])
        await committed(audit_settings, topics.RESULTS, 20)
    await set_back(audit_settings, topics.REQUESTS)
    async with audit(audit_settings):  # after a restart
        await publish(audit_settings, topics.ANSWERS_APPROVED, [*approvals, b"\xff"])
        (letter,) = await committed(audit_settings, topics.DEAD_LETTERS, 1)
        results = await committed(audit_settings, topics.RESULTS, 20)
        await in_log(audit_settings, sum(EXPECTED.values()))
        await handled(audit_settings, topics.REQUESTS)

    entries = logged(audit_settings)
    assert Counter(entry.position.topic for entry in entries) == {
        audit_settings.topic(topic): count for topic, count in EXPECTED.items()
    }
    assert len({entry.position for entry in entries}) == len(entries)
    assert all(entry.position.cluster for entry in entries)
    assert letter == b"\xff"
    receipts = {}
    for result in map(Result.model_validate_json, results):
        assert result.outcome == "answered"
        receipts[result.request_id] = (result.receipt.origin, result.receipt.index)
    assert set(receipts) == {f"r-{number}" for number in range(20)}
    decided = {
        entry.decides.id: (f"{audit_settings.deployment}/{partition}", index)
        for partition in range(audit_settings.partitions)
        for index, entry in reversed(log_of(audit_settings, partition))
        if entry.decides is not None
    }
    assert receipts == decided


async def not_ready(engine: Engine) -> str:
    """Return the first reason why the service is not ready, when it is not."""
    while not (reasons := await engine.not_ready()):  # noqa: ASYNC110 - it is asked, as by /readyz
        await asyncio.sleep(0.1)
    return reasons[0].message


@pytest.mark.timeout(OUTAGE_SECONDS + 120)
async def test_while_the_disk_fails_audit_holds_says_why_and_then_catches_up(
    audit_settings: AuditSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    engine, running, ready = engine_of(audit_settings)
    await asyncio.wait_for(ready.wait(), 60)
    with monkeypatch.context() as faults:
        faults.setattr(os, "fdatasync", fails)
        await publish(audit_settings, topics.ANSWERS_APPROVED, [approval(n) for n in range(100)])
        reason = await asyncio.wait_for(not_ready(engine), 30)
        published = 100
        until = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < until:  # in a long one requests go on coming
            await asyncio.sleep(10)
            new: list[bytes | None] = [approval(n) for n in range(published, published + 10)]
            await publish(audit_settings, topics.ANSWERS_APPROVED, new)
            published += 10
            reason = await asyncio.wait_for(not_ready(engine), 1)
        assert "No space left on device" in reason
        assert "mend the storage" in reason
        assert not running.done()
        assert await committed(audit_settings, topics.RESULTS, 0) == []
    mended = time.monotonic()
    results = await committed(audit_settings, topics.RESULTS, published)
    print(f"{published} results, {time.monotonic() - mended:.1f} s after the disk was mended")
    async with asyncio.timeout(30):
        while await engine.not_ready():  # noqa: ASYNC110 - what is ready is looked at, each second
            await asyncio.sleep(0.1)
    engine.stop()
    await running

    assert await committed(audit_settings, topics.DEAD_LETTERS, 0) == []
    decided = [Result.model_validate_json(each).request_id for each in results]
    assert sorted(decided) == sorted(f"r-{number}" for number in range(published))
    entries = [entry for entry in logged(audit_settings) if entry.decides is not None]
    assert len(entries) == published


async def test_entries_are_in_the_order_of_their_offsets_whatever_their_keys(
    audit_settings: AuditSettings,
) -> None:
    async with audit(audit_settings):
        for topic in (topics.ANSWERS_APPROVED, topics.REQUESTS):
            await publish(audit_settings, topic, [approval(n) for n in range(150)])
        await committed(audit_settings, topics.RESULTS, 150)
        await in_log(audit_settings, 450)

    for partition in range(audit_settings.partitions):
        newest: dict[str, int] = {}
        for _, entry in log_of(audit_settings, partition):
            position = entry.position
            assert position.offset > newest.get(position.topic, -1)
            newest[position.topic] = position.offset


# producers that are cancelled while they connect leave their sockets to the garbage collector; the
# process of a service ends there
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_log_that_was_begun_elsewhere_is_not_begun_a_second_time(
    audit_settings: AuditSettings, tmp_path: Path
) -> None:
    async with audit(audit_settings):
        await publish(audit_settings, topics.ANSWERS_APPROVED, [approval(1), approval(2)])
        await committed(audit_settings, topics.RESULTS, 2)
    elsewhere = audit_settings.model_copy(update={"home": tmp_path / "elsewhere"})
    _, running, _ = engine_of(elsewhere)
    with pytest.raises(FatalError, match="GLIDESLOPE_HOME"):
        await asyncio.wait_for(running, 60)
    gc.collect()  # here, and not in the test that happens to come next
    async with audit(elsewhere.model_copy(update={"audit_new_log": True})):
        pass
