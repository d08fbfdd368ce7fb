"""`load` on real Kafka, with somebody in the services' place who gives each request its end."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from glideslope import cluster
from glideslope.load import report
from glideslope.load.figures import summarise
from glideslope.load.generator import Generator
from glideslope.load.mix import Entry, Mix
from glideslope.load.pace import Pace
from glideslope.reader import Reader
from shared import cloudevents, topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.events import AnswerChecked, RequestRejected, Result
from shared.settings import Settings
from shared.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

COUNT = 20
MIX = Mix("m", [Entry(b'{"question": "How much was it?"}', tenant="acme")])
REFUSED = {"outcome": "refused", "answer": None, "reason": "nothing was found"}


class StandIn:
    """Ends each request by its number; `seen` are the records that came."""

    def __init__(
        self,
        settings: Settings,
        producer: AIOKafkaProducer,
        result: Callable[..., Result],
        checked: Callable[..., AnswerChecked],
    ) -> None:
        self.seen: list[Record] = []
        self._settings = settings
        self._producer = producer
        self._result = result
        self._checked = checked

    async def serve(self, reader: Reader) -> None:
        async for _, record in reader.follow():
            self.seen.append(record)
            event = cloudevents.read(record.value, record.headers)
            await self._end(record, event.id, event.source)

    async def _end(self, record: Record, name: str, source: str) -> None:
        answered = self._result(name, source)
        rejected = RequestRejected(
            request_id=name, request_source=source, code="c", message="change it"
        )
        match int(name):
            case 10:
                await self._put(record, topics.RESULTS, answered.model_copy(update=REFUSED))
            case 11:
                await self._put(record, topics.REQUESTS_REJECTED, rejected)
            case 12:
                await self._put(record, topics.FALLBACK_REVIEW, self._checked(name, source))
            case 13:
                error = RuntimeError("boom")
                letter = dead_letter(record, error, topic="", service="ingest", attempts=3)
                await self._send(record, topics.DEAD_LETTERS, letter.value, list(letter.headers))
            case 14:
                await self._put(record, topics.RESULTS, answered)
                await self._put(record, topics.RESULTS, answered)
            case _:
                await self._put(record, topics.RESULTS, self._result(name, "/another"))
                await self._put(record, topics.RESULTS, answered)

    async def _put(
        self, record: Record, topic: Topic, data: Result | RequestRejected | AnswerChecked
    ) -> None:
        value = data.model_dump_json().encode()
        event = Event(id="1", type=topic.event_type, source="/test", data=value)
        await self._send(record, topic, value, event.headers())

    async def _send(
        self,
        record: Record,
        topic: Topic,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]],
    ) -> None:
        await self._producer.send_and_wait(
            self._settings.topic(topic), key=record.key, value=value, headers=headers
        )


async def test_each_request_is_accounted_for_by_its_end_and_shown(
    settings: Settings,
    result: Callable[..., Result],
    checked: Callable[..., AnswerChecked],
    tmp_path: Path,
) -> None:
    pace = Pace(rate=COUNT, seconds=1)
    generator = Generator(pace, MIX, settings)
    async with (
        cluster.reader(settings, topics.REQUESTS, start="end") as reader,
        cluster.producer(settings) as producer,
    ):
        stand_in = StandIn(settings, producer, result, checked)
        serving = asyncio.create_task(stand_in.serve(reader))
        await generator.run(patience=60)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    figures = summarise(generator.outcomes, pace, MIX.name)
    found = figures.as_json()
    assert found["ends"] == {
        "answered": COUNT - 4,
        "answered_by_person": 0,
        "refused": 1,
        "rejected": 1,
        "reviewed": 1,
        "duplicated": 0,
        "dead_letter": 1,
    }
    assert (found["sent"], found["missing"], found["doubled"]) == (COUNT, 0, 1)
    assert set(found["latency_ms_by_end"]) == {end for end, n in found["ends"].items() if n}

    assert len(stand_in.seen) == COUNT
    assert len({record.key for record in stand_in.seen}) == COUNT  # a conversation each
    for record in stand_in.seen:
        assert json.loads(record.value or b"") == {"question": "How much was it?"}
        assert ("ce_tenant", b"acme") in record.headers

    report.write(figures, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "1 ends are one too many" in page
    assert "<td>reviewed</td><td>1</td>" in page


async def test_what_nobody_answers_is_missing_once_patience_is_over(settings: Settings) -> None:
    generator = Generator(Pace(COUNT, 1), MIX, settings)

    await generator.run(patience=0)

    assert generator.outcomes.missing == list(range(COUNT))
    assert not generator.outcomes.counts()


async def test_a_load_that_is_stopped_sends_no_more(settings: Settings) -> None:
    generator = Generator(Pace(COUNT, 1000), MIX, settings)
    running = asyncio.create_task(generator.run(patience=0))
    while not generator.outcomes.open and not running.done():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)

    generator.stop()
    await running

    assert 0 < len(generator.outcomes) < COUNT * 1000
