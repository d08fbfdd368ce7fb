"""`audit gaps` on real Kafka: each offset that the log has no entry of, and what lies there."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Collection
from contextlib import closing
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner, Result

from glideslope import cluster
from glideslope.__main__ import app
from glideslope.stack import settings_environment
from services.audit.adapters.kafka import cluster_id
from services.audit.adapters.stores import Stores
from services.audit.entry import Entry, Position
from services.audit.settings import AuditSettings
from shared import topics
from shared.events import RequestSubmitted
from shared.settings import Settings
from tests.integration.glideslope.conftest import Service

pytestmark = pytest.mark.kafka

QUESTION = RequestSubmitted(question="?")
FULL = os.environ.get("GLIDESLOPE_CHAOS") == "full"

Log = Callable[..., Awaitable[None]]
Gaps = Callable[..., Awaitable[Result]]
Pass = Callable[[topics.Topic, int], Awaitable[None]]


@pytest.fixture
def log(settings: Settings) -> Log:
    """Return what logs the committed records of topics in partition 0, as audit would."""

    async def log(*logged: topics.Topic, without: Collection[int] = ()) -> None:
        id_ = await cluster_id(settings)
        partitions = [TopicPartition(settings.topic(topic), 0) for topic in logged]
        entries = []
        async with AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed"
        ) as consumer:
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(partitions)
            while [each for each in partitions if await consumer.position(each) < ends[each]]:
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    entries += [
                        Entry(
                            Position(id_, partition.topic, 0, each.offset, each.timestamp),
                            each.key,
                            tuple(each.headers),
                            each.value,
                        )
                        for each in records
                        if each.offset not in without
                    ]
        with (
            closing(Stores(AuditSettings(**settings.model_dump()))) as stores,
            closing(stores.open(0)) as store,
        ):
            store.append(entries)

    return log


@pytest.fixture
def gaps(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Gaps:
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)

    async def gaps(*arguments: object) -> Result:
        command = ["audit", "gaps", *map(str, arguments)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, command))

    return gaps


@pytest.fixture
def passes(settings: Settings) -> Pass:
    """Return what commits, as audit's group, up to where it has passed a topic's partition 0."""

    async def passes(topic: topics.Topic, offset: int) -> None:
        async with AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers,
            group_id=f"{settings.topic_prefix}audit",
            enable_auto_commit=False,
        ) as client:
            position = TopicPartition(settings.topic(topic), 0)
            client.assign([position])
            await client.commit({position: offset})

    return passes


def partitions(result: Result) -> dict[str, dict[str, Any]]:
    """Return what was said of the only log's partitions, by topic."""
    [log] = json.loads(result.stdout)["logs"]
    return {each["topic"]: each for each in log["partitions"]}


async def test_markers_and_aborted_records_are_told_from_a_record_that_was_not_logged(
    settings: Settings, service: Service, log: Log, gaps: Gaps, passes: Pass
) -> None:
    for name in ("first", "second", "third"):
        await service.put(topics.REQUESTS, QUESTION, id=name)
    await service.put(topics.REQUESTS, QUESTION, id="never", commit=False)
    _, offset = await service.put(topics.REQUESTS, QUESTION, id="last")
    assert offset == 8
    await passes(topics.REQUESTS, 10)
    await log(topics.REQUESTS, without={2})

    result = await gaps("--json")
    assert result.exit_code == 1, result.output
    said = partitions(result)[settings.topic(topics.REQUESTS)]
    assert (said["entries"], said["without_entry"]) == (3, 7)
    # each transaction's marker, the last of them behind the newest entry
    assert (said["marker"], said["aborted"], said["missing"]) == (5, 1, 1)
    [missing] = said["not_logged"]
    assert (missing["offset"], missing["event_id"]) == (2, "second")
    assert missing["type"] == topics.REQUESTS.event_type
    assert "event second" in (await gaps()).output

    await log(topics.REQUESTS)  # late, and verify says so
    result = await gaps("--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["explained"]


async def test_what_audit_has_passed_must_be_in_its_logs_and_need_not_be_in_a_copy(
    settings: Settings, service: Service, log: Log, gaps: Gaps, passes: Pass
) -> None:
    await service.put(topics.REQUESTS, QUESTION, id="first")
    await log(topics.REQUESTS)
    await service.put(topics.REQUESTS, QUESTION, id="second")
    await service.put(topics.FEEDBACK, b"{}", id="never-seen")
    assert (await gaps()).exit_code == 0  # audit is behind, which is no gap

    await passes(topics.REQUESTS, 4)
    await passes(topics.FEEDBACK, 2)
    result = await gaps("--json")
    assert result.exit_code == 1, result.output
    missing = [
        each["event_id"] for said in partitions(result).values() for each in said["not_logged"]
    ]
    assert missing == ["second", "never-seen"]
    assert (await gaps(settings.home / "audit")).exit_code == 0


async def test_what_was_deleted_from_the_topic_is_told_from_what_is_still_there(
    settings: Settings, service: Service, log: Log, gaps: Gaps
) -> None:
    for name in range(4):
        await service.put(topics.REQUESTS, QUESTION, id=str(name))
    await log(topics.REQUESTS, without={0, 4})
    async with cluster.admin(settings) as admin:
        first_kept = {TopicPartition(settings.topic(topics.REQUESTS), 0): RecordsToDelete(3)}
        await admin.delete_records(first_kept)

    result = await gaps("--json")
    assert result.exit_code == 1
    said = partitions(result)[settings.topic(topics.REQUESTS)]
    assert (said["removed"], said["marker"], said["missing"]) == (2, 2, 1)
    assert [each["offset"] for each in said["not_logged"]] == [4]


async def test_of_a_topic_that_was_deleted_it_cannot_be_told(
    settings: Settings, service: Service, log: Log, gaps: Gaps
) -> None:
    for number in range(2):
        await service.put(topics.REQUESTS, QUESTION, id=str(number))
    await log(topics.REQUESTS)
    name = settings.topic(topics.REQUESTS)
    async with cluster.admin(settings) as admin:
        await admin.delete_topics([name])
        async with asyncio.timeout(20):
            # ASYNC110: the broker tells nobody of it, it has to be asked
            while name in {each["topic"] for each in await admin.describe_topics()}:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)

    result = await gaps()
    assert result.exit_code == 22
    assert "the topic has been deleted" in result.output


@pytest.mark.skipif(not FULL, reason="the broker compacts when it comes to it: `make chaos` waits")
@pytest.mark.timeout(180)
async def test_what_compaction_removed_is_explained(
    settings: Settings, service: Service, log: Log, gaps: Gaps
) -> None:
    name = settings.topic(topics.RELEASES)
    quick = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "1",
    }
    async with cluster.admin(settings) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=quick)])
    for _ in range(3):
        await service.put(topics.RELEASES, b"again", key=b"compacted")
    async with asyncio.timeout(120):
        while await kept(settings) > 1:
            # the newest segment, which such a record begins anew, is left alone
            await service.put(topics.RELEASES, b"newest", key=b"newest")
            await asyncio.sleep(1)
    await log(topics.RELEASES)

    result = await gaps("--json")
    assert result.exit_code == 0, result.output
    said = partitions(result)[name]
    assert said["compacted"] >= 2


async def kept(settings: Settings) -> int:
    """Return how many of the records that compaction may remove are still there."""
    async with cluster.reader(settings, topics.RELEASES) as reader:
        return len([each async for _, each in reader.to_end() if each.key == b"compacted"])
