"""Index versions on a real broker: built beside each other, behind an embedder that may be down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import BaseModel
from structlog.testing import capture_logs

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.server import serving
from glideslope.releases.registry import register
from services.inference.adapters.indexes import IndexBuildingError, KeptIndexes, RetiredIndexError
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.qdrant import store_for
from services.inference.app import build
from services.inference.index import Index
from services.inference.settings import InferenceSettings
from services.inference.versions import IndexVersion
from shared import topics as pipeline
from shared.cloudevents import Event
from shared.delivery.engine import Engine
from shared.events import AnswerDrafted, DocumentAccepted, Passage, RequestAccepted
from shared.release import BUILT_IN, Release
from shared.retrieval import EmbedderParameters
from shared.settings import Settings
from shared.topics import Topic
from tests.qdrant import Emulator as QdrantEmulator
from tests.qdrant import serving as qdrant_serving

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

MODEL = "embedding"
HYBRID = BUILT_IN.model_copy(
    update={
        "name": "hybrid",
        "embedder": EmbedderParameters(
            model=f"emulator:{MODEL}", dimensions=64, shortened=True, passage_prefix="passage: "
        ),
    }
)
DOWN = Behaviour(model=MODEL, fault=Fault.UNAVAILABLE)
FEE = "The late payment fee is EUR 35."


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def inference(
    request: pytest.FixtureRequest, settings: Settings, script: Script
) -> AsyncIterator[InferenceSettings]:
    """Settings with an emulated embedder, and an index of its own or on an emulated server."""
    is_shared = getattr(request, "param", "edge") == "server"
    qdrant = qdrant_serving(QdrantEmulator()) if is_shared else nullcontext()
    async with serving(script) as url:
        provider = {"kind": "openai", "base_url": f"{url}/v1", "system": "emulator"}
        with qdrant as qdrant_url:
            yield InferenceSettings(
                **settings.model_dump(
                    exclude={"breaker_recovery_seconds", "session_timeout_seconds"}
                ),
                providers={"emulator": provider},
                breaker_recovery_seconds=0.2,
                session_timeout_seconds=60,
                retrieval_seconds=30,
                qdrant_url=qdrant_url,
            )


both = pytest.mark.parametrize("inference", ["edge", "server"], indirect=True)


class Known:
    def __init__(self, *releases: Release) -> None:
        self.releases = releases

    async def known(self) -> tuple[Release, ...]:
        return self.releases


@asynccontextmanager
async def following(
    inference: InferenceSettings, *releases: Release
) -> AsyncIterator[tuple[KeptIndexes, SettledGenerator]]:
    generator = SettledGenerator(inference)
    indexes = KeptIndexes(inference, store_for(inference), generator.embedding)
    async with generator.opened(), indexes.following(Known(*releases)):
        yield indexes, generator


async def send(
    producer: AIOKafkaProducer, settings: Settings, topic: Topic, key: str, data: BaseModel
) -> None:
    event = Event(id=key, type=topic.event_type, source="/t", data=data.model_dump_json().encode())
    await producer.send_and_wait(
        settings.topic(topic),
        event.data,
        key=key.encode(),
        headers=[(k, v) for k, v in event.headers() if v is not None],
    )


async def accept(
    producer: AIOKafkaProducer, settings: Settings, name: str, text: str, *, deleted: bool = False
) -> DocumentAccepted:
    passage = Passage(id="1", document_id=name, locator="p. 1", text=text)
    data = DocumentAccepted(document_id=name, tenant="acme", passages=(passage,), deleted=deleted)
    await send(producer, settings, pipeline.DOCUMENTS_ACCEPTED, f"acme/{name}", data)
    return data


def request(name: str, release: Release) -> RequestAccepted:
    return RequestAccepted(
        request_id=name,
        request_source="/test",
        tenant="acme",
        question="How much is the late payment fee?",
        received_at=datetime.now(UTC),
        release=release.content_hash(),
    )


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def complete(indexes: KeptIndexes, release: Release) -> Index:
    async with asyncio.timeout(60):
        while True:
            try:
                return await indexes.of(release)
            except IndexBuildingError:
                await asyncio.sleep(0.02)


def found(index: Index, question: str) -> set[str]:
    hits = index.search(question, tenant="acme", groups=(), limit=20)
    return {hit.passage.text for hit in hits}


def embedded(script: Script) -> int:
    """How many times the embedder was asked."""
    return script.calls[MODEL, Fault.NONE]


@both
async def test_a_restart_goes_on_where_the_vectors_ended_and_embeds_only_what_is_new(
    inference: InferenceSettings, producer: AIOKafkaProducer, script: Script
) -> None:
    old = [await accept(producer, inference, f"d{n}", f"Complaints {n}.") for n in range(5)]
    async with following(inference, HYBRID) as (indexes, _):
        index = await complete(indexes, HYBRID)
        assert not any(map(index.lacks_vectors, old))
    before = embedded(script)
    new = await accept(producer, inference, "new", "Complaints, new.")

    with capture_logs() as logs:
        async with following(inference, HYBRID) as (indexes, _):
            index = await indexes.of(HYBRID)  # it is as good as it was, at once
            assert "Complaints, new." in found(index, "complaints")
            await eventually(lambda: not index.lacks_vectors(new))

    assert embedded(script) == before + 1
    read = [log["documents"] for log in logs if log["event"] == "index_caught_up"]
    assert set(read) == {1}


@both
async def test_while_the_embedder_is_down_documents_come_and_go_by_their_words_and_none_is_lost(
    inference: InferenceSettings, producer: AIOKafkaProducer, script: Script
) -> None:
    await accept(producer, inference, "old", "Complaints, old.")
    async with following(inference, HYBRID) as (indexes, _):
        index = await complete(indexes, HYBRID)
        script.tell(DOWN)
        new = await accept(producer, inference, "new", "Complaints, new.")
        await accept(producer, inference, "old", "", deleted=True)
        await eventually(lambda: found(index, "complaints") == {"Complaints, new."})
        assert index.lacks_vectors(new)
    async with following(inference, HYBRID) as (indexes, _):  # it was down for longer than we
        index = await indexes.of(HYBRID)
        assert index.lacks_vectors(new)
        script.tell()
        await eventually(lambda: not index.lacks_vectors(new))


async def test_a_document_that_the_embedder_refuses_is_named_and_found_by_its_words(
    inference: InferenceSettings, producer: AIOKafkaProducer, script: Script
) -> None:
    script.tell(Behaviour(model=MODEL, fault=Fault.CONTEXT_TOO_LONG, times=1))
    await accept(producer, inference, "long", "Complaints, long.")
    with capture_logs() as logs:
        async with following(inference, HYBRID) as (indexes, _):
            index = await complete(indexes, HYBRID)
            assert found(index, "complaints") == {"Complaints, long."}

    assert [log["document"] for log in logs if log["event"] == "document_unembedded"] == ["long"]


async def test_until_its_index_was_complete_once_the_process_is_not_ready_and_says_why(
    inference: InferenceSettings, producer: AIOKafkaProducer, script: Script
) -> None:
    script.tell(DOWN)
    await accept(producer, inference, "a", "Complaints.")
    async with following(inference, BUILT_IN, HYBRID) as (indexes, _):
        assert found(await indexes.of(BUILT_IN), "complaints") == {"Complaints."}
        await eventually(lambda: embedded(script) == 0 and bool(script.calls))
        reason = await indexes.not_ready()
        assert reason is not None
        assert IndexVersion.of(HYBRID).name in reason
        script.tell()
        await complete(indexes, HYBRID)
        assert await indexes.not_ready() is None


async def test_a_retired_index_is_deleted_and_a_request_for_it_says_what_to_do(
    inference: InferenceSettings,
) -> None:
    version = IndexVersion.of(HYBRID).name
    async with following(inference, BUILT_IN, HYBRID) as (indexes, _):
        await complete(indexes, HYBRID)
    assert (inference.home / "index" / "0" / version).exists()

    retired = inference.model_copy(update={"retired_indexes": (version,)})
    async with following(retired, BUILT_IN, HYBRID) as (indexes, _):
        assert not (inference.home / "index" / "0" / version).exists()
        with pytest.raises(RetiredIndexError, match="GLIDESLOPE_RETIRED_INDEXES"):
            await indexes.of(HYBRID)


async def drafts(consumer: AIOKafkaConsumer, count: int) -> dict[str, AnswerDrafted]:
    read = [await asyncio.wait_for(consumer.getone(), 60) for _ in range(count)]
    found = [AnswerDrafted.model_validate_json(record.value) for record in read]
    return {draft.request.request_id: draft for draft in found}


async def ask(
    producer: AIOKafkaProducer, settings: Settings, names: Sequence[str], release: Release
) -> None:
    for name in names:
        await send(producer, settings, pipeline.REQUESTS_ACCEPTED, name, request(name, release))


@both
async def test_a_new_index_is_built_beside_the_old_one_and_only_its_own_requests_wait_for_it(
    inference: InferenceSettings, producer: AIOKafkaProducer, script: Script
) -> None:
    await accept(producer, inference, "faq", FEE)
    engine = Engine(build(inference))
    ready = asyncio.Event()
    running = asyncio.create_task(engine.run(ready.set))
    async with AIOKafkaConsumer(
        inference.topic(pipeline.ANSWERS_DRAFTED),
        bootstrap_servers=inference.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        await asyncio.wait_for(ready.wait(), 60)
        script.tell(DOWN)
        await register(HYBRID, inference)
        await ask(producer, inference, ["new 1", "new 2", "new 3", "new 4"], HYBRID)
        for number in range(3):
            await ask(producer, inference, [f"old {number}"], BUILT_IN)
            assert set(await drafts(consumer, 1)) == {f"old {number}"}
        assert "service" not in {reason.code for reason in await engine.not_ready()}

        script.tell()
        answered = await drafts(consumer, 4)
        script.tell(DOWN)
        await ask(producer, inference, ["without"], HYBRID)
        (without,) = (await drafts(consumer, 1)).values()
    engine.stop()
    await running

    assert set(answered) == {"new 1", "new 2", "new 3", "new 4"}
    for draft in (*answered.values(), without):
        assert draft.answer is not None
        assert draft.answer.text == FEE
    assert {draft.degraded for draft in answered.values()} == {()}
    assert {call.model for draft in answered.values() for call in draft.calls} == {
        f"emulator:{MODEL}"
    }
    assert without.degraded == ("embedder: unavailable",)
