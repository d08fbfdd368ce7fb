"""Inference as the engine runs it, on a real broker."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import BaseModel

from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.edge_store import EdgeStore
from services.inference.adapters.indexes import StaleIndexError
from services.inference.app import build
from services.inference.index import BEGINNING, Position
from services.inference.settings import InferenceSettings
from services.inference.versions import IndexVersion
from shared import topics as pipeline
from shared.cloudevents import Event
from shared.delivery.engine import Engine
from shared.events import AnswerDrafted, DocumentAccepted, Passage, RequestAccepted
from shared.release import BUILT_IN
from shared.settings import Settings
from shared.topics import Topic

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.usefixtures("topics"),
]

FEE = "The late payment fee is EUR 35."


@pytest.fixture
def inference(settings: Settings) -> InferenceSettings:
    return InferenceSettings(**settings.model_dump())


async def send(
    producer: AIOKafkaProducer, settings: Settings, topic: Topic, data: BaseModel
) -> None:
    event = Event(
        id="1", type=topic.event_type, source="/test", data=data.model_dump_json().encode()
    )
    await producer.send_and_wait(
        settings.topic(topic),
        event.data,
        key=b"key",
        headers=[(k, v) for k, v in event.headers() if v is not None],
    )


def document(text: str) -> DocumentAccepted:
    passage = Passage(id="1", document_id="faq", locator="p. 1", text=text)
    return DocumentAccepted(document_id="faq", tenant="acme", passages=(passage,))


def request() -> RequestAccepted:
    return RequestAccepted(
        request_id="1",
        request_source="/test",
        tenant="acme",
        question="How much is the late payment fee?",
        received_at=datetime.now(UTC),
        release=BUILT_IN.content_hash(),
    )


async def test_a_request_that_waits_is_answered_from_documents_that_were_there_before(
    inference: InferenceSettings, producer: AIOKafkaProducer
) -> None:
    await send(producer, inference, pipeline.REQUESTS_ACCEPTED, request())
    await send(producer, inference, pipeline.DOCUMENTS_ACCEPTED, document(FEE))
    engine = Engine(build(inference))
    running = asyncio.create_task(engine.run())
    async with AIOKafkaConsumer(
        inference.topic(pipeline.ANSWERS_DRAFTED),
        bootstrap_servers=inference.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        record = await asyncio.wait_for(consumer.getone(), 60)
    engine.stop()
    await running

    draft = AnswerDrafted.model_validate_json(record.value)
    assert draft.answer is not None
    assert draft.answer.text == FEE
    assert record.key == b"key"


async def test_a_service_whose_index_stands_still_ends_with_the_reason(
    inference: InferenceSettings, producer: AIOKafkaProducer
) -> None:
    class Full(EdgeIndex):
        def replace(self, _document: DocumentAccepted, _at: Position = BEGINNING) -> None:
            raise OSError(28, "No space left on device")

    class FullStore(EdgeStore):
        def open(self, version: IndexVersion) -> EdgeIndex:
            return Full(inference.home / version.name)

    ready = asyncio.Event()
    engine = Engine(build(inference, store=FullStore(inference.home / "index")))
    running = asyncio.create_task(engine.run(ready.set))
    await asyncio.wait_for(ready.wait(), 60)

    await send(producer, inference, pipeline.DOCUMENTS_ACCEPTED, document(FEE))

    with pytest.raises(StaleIndexError, match="No space left"):
        await asyncio.wait_for(running, 60)
