"""One consumer group indexes for all processes that share a server, on a real broker.

The server is an emulator (see `tests.qdrant`); each process here has connections of its own to it,
and to Kafka.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from qdrant_client import QdrantClient

from services.inference.adapters.group import SHARED_GROUP
from services.inference.adapters.indexes import KeptIndexes, StaleIndexError
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.server import ServerIndex
from services.inference.adapters.server_store import ServerStore
from services.inference.index import BEGINNING, Index, Position
from services.inference.settings import InferenceSettings
from services.inference.versions import IndexVersion
from shared import topics as pipeline
from shared.cloudevents import Event
from shared.events import EVERYONE, DocumentAccepted, Passage
from shared.release import BUILT_IN, Release
from shared.settings import Settings
from tests.qdrant import Emulator, serving

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    emulator = Emulator()
    with serving(emulator):
        yield emulator


class Process:
    """What one process has of the index: what it wrote, and whether its writes are held up."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.wrote: list[str] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        told = {
            **settings.model_dump(),
            "session_timeout_seconds": 60,
        }  # a busy machine is no death
        self._settings = InferenceSettings(**told)
        self._store = _Store(
            self,
            lambda: QdrantClient(url, check_compatibility=False),
            f"{settings.topic_prefix}passages",
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Index]:
        """Be ready, and stay so."""
        embedding = SettledGenerator(self._settings).embedding
        indexes = KeptIndexes(self._settings, self._store, embedding)
        async with indexes.following(_OnlyBuiltIn()):
            assert await indexes.not_ready() is None
            yield await indexes.of(BUILT_IN)


class _Index(ServerIndex):
    process: Process

    def replace(self, document: DocumentAccepted, at: Position = BEGINNING) -> None:
        self.process.goes_on.wait()
        super().replace(document, at)
        self.process.wrote.append(document.document_id)


class _Store(ServerStore):
    def __init__(
        self, process: Process, connect: Callable[[], QdrantClient], collection: str
    ) -> None:
        super().__init__(connect, collection)
        self._process = process

    def open(self, version: IndexVersion) -> _Index:
        index = _Index(self._client, self._name(version.name))
        index.process = self._process
        return index


class _OnlyBuiltIn:
    async def known(self) -> tuple[Release, ...]:
        return (BUILT_IN,)


async def accept(
    producer: AIOKafkaProducer,
    settings: Settings,
    *ids: str,
    groups: tuple[str, ...] = (EVERYONE,),
    deleted: bool = False,
) -> None:
    """Accept documents, in turn on the first and the second partition."""
    for number, id_ in enumerate(ids):
        passage = Passage(id="1", document_id=id_, locator="", text=f"Complaints of {id_}.")
        data = DocumentAccepted(
            document_id=id_,
            tenant="acme",
            groups=groups,
            deleted=deleted,
            passages=() if deleted else (passage,),
        )
        event = Event(
            id=id_,
            type=pipeline.DOCUMENTS_ACCEPTED.event_type,
            source="/test",
            data=data.model_dump_json().encode(),
        )
        await producer.send_and_wait(
            settings.topic(pipeline.DOCUMENTS_ACCEPTED),
            event.data,
            key=f"acme/{id_}".encode(),
            headers=[(k, v) for k, v in event.headers() if v is not None],
            partition=number % 2,
        )


def found(index: Index, *groups: str) -> set[str]:
    hits = index.search("complaints", tenant="acme", groups=groups, limit=50)
    return {hit.passage.document_id for hit in hits}


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)


async def committed(settings: Settings) -> int:
    """How many records the group has dealt with."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}{SHARED_GROUP}")
    finally:
        await admin.close()
    return sum(each.offset for each in offsets.values())


async def test_each_document_is_written_by_one_process_and_found_by_all(
    settings: Settings, producer: AIOKafkaProducer, emulator: Emulator
) -> None:
    one, two = (Process(settings, emulator.url) for _ in range(2))
    old, new = [f"old{n}" for n in range(4)], [f"new{n}" for n in range(6)]
    await accept(producer, settings, *old)
    async with one.running() as first, two.running() as second:
        assert found(first) == found(second) == {*old}
        assert two.wrote == []  # the group had indexed it: nobody reads it again
        await accept(producer, settings, *new)
        await eventually(lambda: {*old, *new} == found(first) == found(second))
        assert sorted(one.wrote + two.wrote) == sorted(old + new)
        assert one.wrote != old
        assert two.wrote != []

        await accept(producer, settings, "new0", "new1", groups=("board",))
        await accept(producer, settings, "new2", "new3", deleted=True)
        left = {*old, "new4", "new5"}
        await eventually(lambda: found(first) == left)
        assert found(second) == left  # for every process at once
        assert found(second, "board") == {*left, "new0", "new1"}


async def test_a_process_is_ready_once_the_group_has_indexed_what_was_there(
    settings: Settings, producer: AIOKafkaProducer, emulator: Emulator
) -> None:
    one, two = (Process(settings, emulator.url) for _ in range(2))
    async with one.running(), AsyncExitStack() as stack:
        one.goes_on.clear()
        stack.callback(one.goes_on.set)
        await accept(producer, settings, "a", "b", "c", "d")
        joining = asyncio.create_task(stack.enter_async_context(two.running()))
        await eventually(lambda: len(two.wrote) == 2)  # its share; the rest is the other's
        before = joining.done()
        one.goes_on.set()
        second = await asyncio.wait_for(joining, 60)

        assert not before
        assert found(second) == {"a", "b", "c", "d"}
        assert sorted(two.wrote) in (["a", "c"], ["b", "d"])


async def test_nothing_is_committed_that_the_server_has_not_acknowledged(
    settings: Settings, producer: AIOKafkaProducer, emulator: Emulator
) -> None:
    async with Process(settings, emulator.url).running() as index:
        await accept(producer, settings, "a")
        await eventually(lambda: found(index) == {"a"})
        emulator.is_down = True
        refused = emulator.refused
        await accept(producer, settings, "b", "c")
        await eventually(lambda: emulator.refused > refused)
        during = await committed(settings)
        emulator.is_down = False
        await eventually(lambda: found(index) == {"a", "b", "c"})

        async def all_committed() -> None:
            while await committed(settings) < 3:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)

        await asyncio.wait_for(all_committed(), 60)
    assert during <= 1


async def test_an_index_that_was_deleted_is_built_anew_whatever_the_group_has_committed(
    settings: Settings, producer: AIOKafkaProducer, emulator: Emulator
) -> None:
    await accept(producer, settings, "a", "b")
    async with Process(settings, emulator.url).running() as index:
        assert found(index) == {"a", "b"}
    client = QdrantClient(emulator.url, check_compatibility=False)
    for each in client.get_collections().collections:
        client.delete_collection(each.name)

    async with Process(settings, emulator.url).running() as index:
        assert found(index) == {"a", "b"}


async def test_a_group_that_is_past_the_end_of_the_topic_says_that_records_were_lost(
    settings: Settings, producer: AIOKafkaProducer, emulator: Emulator
) -> None:
    await accept(producer, settings, "a")
    process = Process(settings, emulator.url)
    async with process.running() as index:
        assert isinstance(index, ServerIndex)
        identity = index.identity
    position = TopicPartition(settings.topic(pipeline.DOCUMENTS_ACCEPTED), 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.topic_prefix}{SHARED_GROUP}",
        enable_auto_commit=False,
    ) as consumer:
        consumer.assign([position])
        await consumer.commit({position: (7, identity)})

    with pytest.raises(StaleIndexError, match="Delete its collection"):
        async with process.running():
            pass
