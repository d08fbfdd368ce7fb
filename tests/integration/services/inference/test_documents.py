"""The index follows accepted documents on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from qdrant_client import QdrantClient
from structlog.testing import capture_logs

from services.inference.adapters.documents import GROUP
from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.edge_store import EdgeStore
from services.inference.adapters.group import SHARED_GROUP
from services.inference.adapters.indexes import KeptIndexes, StaleIndexError
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.server import ServerIndex
from services.inference.adapters.server_store import ServerStore
from services.inference.index import BEGINNING, Index, Position
from services.inference.settings import InferenceSettings
from services.inference.store import Store
from services.inference.versions import IndexVersion
from shared import topics as pipeline
from shared.cloudevents import Event
from shared.events import EVERYONE, DocumentAccepted, Passage
from shared.release import BUILT_IN, Release
from shared.settings import Settings

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.usefixtures("topics"),
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
]


@pytest.fixture(params=["edge", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "edge":
        return EdgeStore(tmp_path)
    return ServerStore(lambda: QdrantClient(":memory:"), "passages")


class OnlyBuiltIn:
    async def known(self) -> tuple[Release, ...]:
        return (BUILT_IN,)


@asynccontextmanager
async def following(settings: Settings, store: Store) -> AsyncIterator[Index]:
    """Keep the index of the built-in release."""
    told = InferenceSettings(**settings.model_dump())
    indexes = KeptIndexes(told, store, SettledGenerator(told).embedding)
    async with indexes.following(OnlyBuiltIn()):
        yield await indexes.of(BUILT_IN)


def document(
    document_id: str, *texts: str, groups: tuple[str, ...] = (EVERYONE,), deleted: bool = False
) -> DocumentAccepted:
    return DocumentAccepted(
        document_id=document_id,
        tenant="acme",
        groups=groups,
        deleted=deleted,
        passages=tuple(
            Passage(id=str(n), document_id=document_id, locator=f"p. {n}", text=text)
            for n, text in enumerate(texts)
        ),
    )


async def accept(
    producer: AIOKafkaProducer, settings: Settings, *documents: DocumentAccepted
) -> None:
    for each in documents:
        event = Event(
            id=each.document_id,
            type=pipeline.DOCUMENTS_ACCEPTED.event_type,
            source="/test",
            data=each.model_dump_json().encode(),
        )
        await producer.send_and_wait(
            settings.topic(pipeline.DOCUMENTS_ACCEPTED),
            event.data,
            key=f"{each.tenant}/{each.document_id}".encode(),
            headers=[(k, v) for k, v in event.headers() if v is not None],
        )


def found(index: Index, question: str = "complaints") -> set[str]:
    hits = index.search(question, tenant="acme", groups=(), limit=20)
    return {hit.passage.text for hit in hits}


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.02)


async def test_what_was_accepted_before_the_start_is_found_once_the_follower_is_ready(
    settings: Settings, producer: AIOKafkaProducer, store: Store
) -> None:
    await accept(producer, settings, *(document(f"d{n}", f"Complaints {n}.") for n in range(10)))

    async with following(settings, store) as index:
        assert found(index) == {f"Complaints {n}." for n in range(10)}


async def test_documents_are_added_updated_and_deleted_while_it_follows(
    settings: Settings, producer: AIOKafkaProducer, store: Store
) -> None:
    async with following(settings, store) as index:
        await accept(producer, settings, document("a", "Complaints, old.", "Complaints, more."))
        await eventually(lambda: found(index) == {"Complaints, old.", "Complaints, more."})

        await accept(
            producer, settings, document("a", "Complaints, new."), document("b", "Mortgages.")
        )
        await eventually(lambda: found(index) == {"Complaints, new."})

        await accept(producer, settings, document("a", deleted=True))
        await eventually(lambda: found(index) == set())
        await eventually(lambda: found(index, "mortgage") == {"Mortgages."})
        assert found(index) == set()


async def test_after_a_restart_the_newest_state_is_found_and_nothing_older(
    settings: Settings, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    await accept(
        producer, settings, document("a", "Complaints, old."), document("b", "Complaints.")
    )
    async with following(settings, EdgeStore(tmp_path)) as first:
        assert found(first) == {"Complaints, old.", "Complaints."}
    await accept(producer, settings, document("a", "Complaints, new."), document("b", deleted=True))

    with capture_logs() as logs:
        async with following(settings, EdgeStore(tmp_path)) as second:
            assert found(second) == {"Complaints, new."}

    # only what was new was read: two records, of six
    assert [log["documents"] for log in logs if log["event"] == "index_caught_up"] == [2]


async def test_an_outdated_version_never_becomes_findable_on_a_server_that_others_use(
    settings: Settings, producer: AIOKafkaProducer
) -> None:
    await accept(
        producer,
        settings,
        document("a", "Complaints."),
        document("a", "Complaints.", groups=("board",)),
        document("b", "Complaints of b."),
        document("b", deleted=True),
    )
    written: list[DocumentAccepted] = []

    class Noting(ServerIndex):
        def replace(self, document: DocumentAccepted, at: Position = BEGINNING) -> None:
            written.append(document)
            super().replace(document, at)

    class NotingStore(ServerStore):
        def open(self, version: IndexVersion) -> ServerIndex:
            return Noting(self._client, version.name)

    shared_store = NotingStore(lambda: QdrantClient(":memory:"), "passages")
    async with following(settings, shared_store) as index:
        assert found(index) == set()

    assert [(each.document_id, each.groups) for each in written] == [("a", ("board",))]


async def test_a_record_that_it_cannot_read_is_logged_with_its_position_counted_and_passed(
    settings: Settings, producer: AIOKafkaProducer, store: Store
) -> None:
    topic = settings.topic(pipeline.DOCUMENTS_ACCEPTED)
    junk = await producer.send_and_wait(topic, b"not an event", key=b"k", partition=1)
    tombstone = await producer.send_and_wait(topic, None, key=b"t", partition=1)
    await accept(producer, settings, document("a", "Complaints."))
    with capture_logs() as logs:
        async with following(settings, store) as index:
            assert found(index) == {"Complaints."}

    assert [log["unreadable"] for log in logs if log["event"] == "index_caught_up"] == [2]
    assert {log["position"] for log in logs if log["event"] == "document_unreadable"} == {
        f"{topic}-1-{junk.offset}",
        f"{topic}-1-{tombstone.offset}",
    }


async def test_its_position_is_left_for_others_to_see(
    settings: Settings, producer: AIOKafkaProducer, store: Store
) -> None:
    topic = settings.topic(pipeline.DOCUMENTS_ACCEPTED)
    await accept(producer, settings, *(document(f"d{n}", "Complaints.") for n in range(10)))
    async with (
        _admin(settings) as admin,
        following(settings, store) as index,
    ):
        group = SHARED_GROUP if store.is_shared else GROUP
        before = await _committed(admin, settings, group)
        await accept(producer, settings, document("more", "Complaints, more."))
        await eventually(lambda: "Complaints, more." in found(index))

        async def all_indexed() -> bool:
            return sum((await _committed(admin, settings, group)).values()) == 11

        await eventually(all_indexed)

    assert sum(before.values()) == 10
    assert {partition.topic for partition in before} == {topic}


class Failing(EdgeIndex):
    """An index whose store fails as soon as there is something to write."""

    def replace(self, _document: DocumentAccepted, _at: Position = BEGINNING) -> None:
        raise OSError(28, "No space left on device")


class FailingStore(EdgeStore):
    def open(self, version: IndexVersion) -> EdgeIndex:
        return Failing(self._folder / version.name)


async def test_when_following_fails_what_runs_on_the_index_is_stopped_and_the_reason_told(
    settings: Settings, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    async def serve() -> None:
        async with following(settings, FailingStore(tmp_path)):
            await accept(producer, settings, document("a", "Complaints."))
            await asyncio.Event().wait()  # a service that would go on for ever

    with capture_logs() as logs, pytest.raises(StaleIndexError, match="No space left"):
        await asyncio.wait_for(serve(), timeout=20)

    assert [log["log_level"] for log in logs if log["event"] == "index_stale"] == ["critical"]


async def test_what_fails_in_the_service_itself_is_told_as_it_is(
    settings: Settings, store: Store
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with following(settings, store):
            raise ZeroDivisionError


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _committed(
    admin: AIOKafkaAdminClient, settings: Settings, group: str
) -> dict[TopicPartition, int]:
    offsets: dict[TopicPartition, Any] = await admin.list_consumer_group_offsets(
        f"{settings.topic_prefix}{group}"
    )
    return {partition: committed.offset for partition, committed in offsets.items()}
