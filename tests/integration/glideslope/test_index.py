"""`index` on real Kafka, with somebody in the place of ingest and of the index."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from glideslope import cluster
from glideslope.documents import Terms, find
from glideslope.indexed import indexed
from glideslope.indexing import INDEX_GROUPS, Progress, publish
from glideslope.intake import Order, take
from glideslope.reader import Reader
from glideslope.terminal import Exit
from shared import topics
from shared.cloudevents import read
from shared.events import DocumentAccepted, DocumentRejected, DocumentSubmitted
from shared.settings import Settings
from tests.integration.glideslope.conftest import Run, Service

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def ingesting(settings: Settings, service: Service, *, index: bool) -> AsyncIterator[None]:
    """Accept documents, but reject one called `bad`; with `index`, say that they can be found."""
    group = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.topic_prefix}{INDEX_GROUPS[1]}",
        enable_auto_commit=False,
    )

    async def serve(reader: Reader) -> None:
        async for _, record in reader.follow():
            event = read(record.value, record.headers)
            document = DocumentSubmitted.model_validate_json(event.data)
            if document.document_id == "bad":
                topic: topics.Topic = topics.DOCUMENTS_REJECTED
                out: DocumentAccepted | DocumentRejected = DocumentRejected(
                    document_id="bad", code="empty", message="write something"
                )
            else:
                topic = topics.DOCUMENTS_ACCEPTED
                out = DocumentAccepted(
                    document_id=document.document_id,
                    tenant=event.tenant or "default",
                    deleted=document.deleted,
                )
            derived = event.derive(out, type=topic.event_type, source="/ingest", stage=topic.name)
            partition, offset = await service.put(topic, out, headers=derived.headers())
            if index and topic is topics.DOCUMENTS_ACCEPTED:
                position = TopicPartition(settings.topic(topic), partition)
                await group.commit({position: offset + 1})

    await group.start()
    try:
        group.assign([TopicPartition(settings.topic(topics.DOCUMENTS_ACCEPTED), 0)])
        async with cluster.reader(settings, topics.DOCUMENTS, start="end") as reader:
            task = asyncio.create_task(serve(reader))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    finally:
        await group.stop()


def documents(*names: str) -> list[DocumentSubmitted]:
    return [DocumentSubmitted(document_id=name, text="text") for name in names]


async def test_documents_are_waited_for_until_they_can_be_found(
    settings: Settings, service: Service
) -> None:
    progress = Progress()
    async with ingesting(settings, service, index=True):
        await publish(documents("a", "bad", "b"), settings, progress, seconds=20)

    assert progress.done
    assert progress.indexed == {"a", "b"}
    assert progress.rejected == {"bad": "empty: write something"}


async def test_what_is_missing_in_time_is_known(settings: Settings, service: Service) -> None:
    progress = Progress()
    async with ingesting(settings, service, index=False):
        await publish(documents("a", "bad"), settings, progress, seconds=2)

    assert not progress.done
    assert (progress.unjudged, progress.unindexed) == (set(), {"a"})


async def test_without_services_nothing_is_judged(settings: Settings, service: Service) -> None:  # noqa: ARG001 - its topics
    progress = Progress()
    await publish(documents("a"), settings, progress, seconds=0.5)

    assert progress.unjudged == {"a"}


async def test_the_command_indexes_a_folder_and_deletes(
    settings: Settings, service: Service, glideslope: Run, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.md").write_text("# Policy\nText.")
    (tmp_path / "in" / "b.pdf").write_bytes(b"%PDF")
    (tmp_path / "in" / "c.xlsx").write_bytes(b"PK")
    async with ingesting(settings, service, index=True):
        ended = await glideslope(
            *("index", str(tmp_path / "in"), "--delete", "old.md", "--json"),
            *("--group", "credit", "--tenant", "acme", "--subject", "anna"),
        )

        assert ended.code == Exit.FAILED, ended.err
        said = json.loads(ended.out)
        assert said["indexed"] == ["a.md", "old.md"]
        assert (said["deleted"], said["absent"]) == ([], ["old.md"])  # no such document
        assert said["skipped"] == 1
        assert list(said["unreadable"]) == ["b.pdf"]
        assert "save it anew" in said["unreadable"]["b.pdf"]

        progress = Progress()
        order = Order(find([tmp_path / "in"]), Terms(("credit",), subject="anna"))
        await take(order, settings, progress, tenant="acme", seconds=20)
        assert (progress.unchanged, progress.published) == ({"a.md"}, set())

        await take(Order(delete_subjects=("anna",)), settings, progress, tenant="acme", seconds=20)
        assert (progress.indexed, progress.absent) == ({"a.md"}, set())

    async with cluster.reader(settings, topics.DOCUMENTS) as reader:
        events = [read(each.value, each.headers) async for _, each in reader.to_end()]
    assert {event.tenant for event in events} == {"acme"}
    first, sent, last = ({**json.loads(event.data), "of": event.subject} for event in events)
    assert first == {"document_id": "old.md", "deleted": True, "of": None}
    assert (sent["title"], sent["groups"], sent["of"]) == ("Policy", ["credit"], "anna")
    assert last == {"document_id": "a.md", "deleted": True, "of": None}


async def test_a_file_that_fits_into_no_record_is_sent_in_parts_and_goes_as_one(
    settings: Settings, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "big.txt"
    path.write_text("Clause 1. The limit is 5.\n\n" * 80_000)
    progress = Progress()
    async with ingesting(settings, service, index=True):
        await take(Order(find([path])), settings, progress, seconds=30)
        assert progress.indexed == {"big.txt#1", "big.txt#2", "big.txt#3"}

        path.write_text("Clause 1. The limit is 5.\n\n" * 50_000)
        progress = Progress()
        await take(Order(find([path])), settings, progress, seconds=30)
        assert progress.indexed == {"big.txt#1", "big.txt#2", "big.txt#3"}
        assert set((await indexed(settings, "default")).documents) == {"big.txt#1", "big.txt#2"}

        progress = Progress()
        await take(Order(delete=("big.txt",)), settings, progress, seconds=30)
        assert (await indexed(settings, "default")).documents == {}


async def test_the_command_fails_when_a_document_is_rejected(
    settings: Settings, service: Service, glideslope: Run
) -> None:
    async with ingesting(settings, service, index=True):
        ended = await glideslope("index", "--delete", "bad")

    assert ended.code == Exit.REJECTED
    assert "write something" in ended.out


async def test_a_deletion_of_what_is_there_is_told_from_one_of_what_is_not(
    settings: Settings, service: Service, glideslope: Run
) -> None:
    there = DocumentAccepted(document_id="a.md", tenant="default")
    await service.put(topics.DOCUMENTS_ACCEPTED, there)
    async with ingesting(settings, service, index=True):
        ended = await glideslope("index", "--delete", "a.md", "--delete", "b.md")

    assert ended.code == Exit.FAILED, ended.err
    assert "indexed 0, deleted 1" in ended.out
    assert "b.md: no document has that id" in ended.out


async def test_the_command_does_not_wait_when_told_so(service: Service, glideslope: Run) -> None:
    there = DocumentAccepted(document_id="a", tenant="default")
    await service.put(topics.DOCUMENTS_ACCEPTED, there)
    ended = await glideslope("index", "--delete", "a", "--no-wait", "--json")

    assert ended.code == Exit.OK, ended.err
    assert json.loads(ended.out)["published"] == ["a"]


async def test_the_command_says_what_is_missing_in_time(service: Service, glideslope: Run) -> None:  # noqa: ARG001 - its topics
    ended = await glideslope("index", "--delete", "a.md", "--timeout", "0.5")

    assert ended.code == Exit.TIMEOUT
    assert "does ingest run?): a.md" in ended.out
