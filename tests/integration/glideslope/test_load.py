"""`load` on real Kafka, with somebody in the services' place who gives each request its end."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from glideslope import cluster
from glideslope.load.generator import Generator
from glideslope.load.mix import Entry, Mix
from glideslope.load.pace import Pace
from glideslope.terminal import Exit
from shared import cloudevents, topics
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.events import AnswerChecked, RequestRejected, Result
from shared.settings import Settings
from tests.integration.glideslope.conftest import Run, Service

pytestmark = pytest.mark.kafka

COUNT = 20
Make = Callable[..., Result]


class StandIn:
    """Ends requests by their number; `seen` are the records that came."""

    def __init__(
        self, service: Service, result: Make, checked: Callable[..., AnswerChecked]
    ) -> None:
        self.seen: list[Record] = []
        self._service = service
        self._result = result
        self._checked = checked

    async def serve(self, reader: cluster.Reader) -> None:
        async for _, record in reader.follow():
            self.seen.append(record)
            await self._end(record)

    async def _end(self, record: Record) -> None:
        event = cloudevents.read(record.value, record.headers)
        name, source = event.id, event.source
        answered = self._result(name, source)
        rejected = RequestRejected(
            request_id=name, request_source=source, code="c", message="change it"
        )
        letter = dead_letter(record, RuntimeError("boom"), topic="", service="ingest", attempts=3)
        ends: dict[str, list[Callable[[], Awaitable[None]]]] = {
            "10": [lambda: self._put(record, topics.RESULTS, answered.model_copy(update=REFUSED))],
            "11": [lambda: self._put(record, topics.REQUESTS_REJECTED, rejected)],
            "12": [
                lambda: self._put(record, topics.FALLBACK_REVIEW, self._checked(name, source)),
            ],
            "13": [
                lambda: self._service.reply(
                    record, topics.DEAD_LETTERS, letter.value, headers=list(letter.headers)
                )
            ],
            "14": [lambda: self._put(record, topics.RESULTS, answered)] * 2,
        }
        for end in ends.get(name, [lambda: self._put(record, topics.RESULTS, answered)]):
            await end()

    async def _put(self, record: Record, topic: topics.Topic, data: object) -> None:
        assert isinstance(data, Result | RequestRejected | AnswerChecked)
        await self._service.reply(record, topic, data)


REFUSED = {"outcome": "refused", "answer": None, "reason": "nothing was found"}


async def test_each_request_is_accounted_for_by_its_end_and_shown(  # noqa: PLR0913, PLR0917 - fixtures
    settings: Settings,
    service: Service,
    glideslope: Run,
    result: Make,
    checked: Callable[..., AnswerChecked],
    tmp_path: Path,
) -> None:
    stand_in = StandIn(service, result, checked)
    mix, report = tmp_path / "mix.jsonl", tmp_path / "report.html"
    mix.write_text('{"question": "How much was it?", "tenant": "acme", "metadata": {"desk": "1"}}')
    async with cluster.reader(settings, topics.REQUESTS, start="end") as reader:
        serving = asyncio.create_task(stand_in.serve(reader))
        ended = await glideslope(
            *("load", "--rate", str(COUNT), "--for", "1", "--warm-up", "0", "--patience", "50"),
            *("--mix", str(mix), "--report", str(report), "--json"),
        )
        serving.cancel()

    assert ended.code == Exit.FAILED, ended.err  # one has two ends
    found = json.loads(ended.out)
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
    assert "1 became dead letters" in ended.err
    assert set(found["latency_ms_by_end"]) == {end for end, n in found["ends"].items() if n}

    assert len(stand_in.seen) == COUNT
    assert len({record.key for record in stand_in.seen}) == COUNT  # a conversation each
    for record in stand_in.seen:
        assert json.loads(record.value or b"") == {
            "question": "How much was it?",
            "metadata": {"desk": "1"},
        }
        assert ("ce_tenant", b"acme") in record.headers

    page = report.read_text()
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "1 ends are one too many" in page
    assert "reviewed" in page


async def test_what_nobody_answers_is_missing_and_a_result_of_another_sender_is_no_end(
    settings: Settings, service: Service, result: Make
) -> None:
    generator = Generator(Pace(COUNT, 1), Mix("m", [Entry(b'{"question": "?"}')]), settings)
    running = asyncio.create_task(generator.run(patience=0.5))
    await service.put(topics.RESULTS, result("3", "/another"))
    await running

    assert generator.outcomes.missing == list(range(COUNT))
    assert Counter() == generator.outcomes.counts()


async def test_a_mix_that_cannot_be_read_is_refused_before_anything_is_sent(
    glideslope: Run, tmp_path: Path
) -> None:
    mix = tmp_path / "mix.jsonl"
    mix.write_text('{"question": "a"}\n{"weight": 2}\n')

    ended = await glideslope("load", "--mix", str(mix))

    assert ended.code == Exit.USAGE
    assert "line 2: question: Field required" in ended.err
