"""`ask` on real Kafka, with somebody in the services' place who gives each its end."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from glideslope import cluster
from glideslope.asking import DeadLettered, NoEndError, ask, request_event
from glideslope.reader import Reader
from glideslope.terminal import Exit
from shared import topics
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.events import AnswerChecked, RequestRejected, RequestSubmitted, Result
from shared.settings import Settings
from tests.integration.glideslope.conftest import Run, Service

pytestmark = pytest.mark.kafka

QUESTION = RequestSubmitted(question="How much was it?")


@asynccontextmanager
async def answering(
    settings: Settings, answer: Callable[[Record, str], Awaitable[None]]
) -> AsyncIterator[list[Record]]:
    """Call `answer` with each request that comes, and its id; yield the list of them."""
    seen: list[Record] = []

    async def serve(reader: Reader) -> None:
        async for _, record in reader.follow():
            seen.append(record)
            await answer(record, dict(record.headers)["ce_id"].decode())  # type: ignore[union-attr] # set

    async with cluster.reader(settings, topics.REQUESTS, start="end") as reader:
        task = asyncio.create_task(serve(reader))
        try:
            yield seen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_result_of_the_request_comes_back_whatever_else_passes(
    settings: Settings, service: Service, result: Callable[..., Result]
) -> None:
    # there before it asked; not to be read
    await service.put(topics.RESULTS, result("history"), key=b"talk")

    async def answer(record: Record, name: str) -> None:
        await service.reply(record, topics.RESULTS, b"junk", headers=[])
        await service.reply(record, topics.RESULTS, result("another"))
        await service.reply(record, topics.RESULTS, result(name, "/another"))
        await service.reply(record, topics.RESULTS, result(name, "/glideslope/cli"))

    event = request_event(QUESTION, tenant="acme", subject="person-7")
    async with answering(settings, answer) as seen:
        end = await ask(event, settings, conversation="talk", seconds=20)

    assert isinstance(end, Result)
    assert (end.request_source, end.request_id) == ("/glideslope/cli", event.id)
    [request] = seen
    assert request.key == b"talk"
    assert json.loads(request.value or b"") == {"question": "How much was it?"}
    assert set(request.headers) >= {("ce_tenant", b"acme"), ("ce_subject", b"person-7")}


async def test_a_rejection_is_an_end(settings: Settings, service: Service) -> None:
    async def answer(record: Record, name: str) -> None:
        rejected = RequestRejected(
            request_id=name, request_source="/glideslope/cli", code="c", message="change it"
        )
        await service.reply(record, topics.REQUESTS_REJECTED, rejected)

    async with answering(settings, answer):
        end = await ask(request_event(QUESTION), settings, seconds=20)

    assert isinstance(end, RequestRejected)
    assert end.message == "change it"


async def test_a_dead_letter_ends_the_wait(settings: Settings, service: Service) -> None:
    async def answer(record: Record, _name: str) -> None:
        letter = dead_letter(record, RuntimeError("boom"), topic="", service="ingest", attempts=3)
        await service.reply(record, topics.DEAD_LETTERS, letter.value, headers=list(letter.headers))

    async with answering(settings, answer):
        end = await ask(request_event(QUESTION), settings, seconds=20)

    assert end == DeadLettered("ingest", "RuntimeError", "RuntimeError")


async def test_that_a_person_must_decide_is_said_at_once_with_how_and_once_more_at_the_end(
    settings: Settings, service: Service, glideslope: Run, checked: Callable[..., AnswerChecked]
) -> None:
    async def answer(record: Record, name: str) -> None:
        item = checked(name, "/glideslope/cli")
        await service.reply(record, topics.REQUESTS_ACCEPTED, item.request)
        await service.reply(record, topics.FALLBACK_REVIEW, item)

    async with answering(settings, answer) as seen:
        ended = await glideslope("ask", "How much was it?", "--timeout", "3")

    [request] = seen
    name = dict(request.headers)["ce_id"].decode()  # type: ignore[union-attr] # it is set
    assert ended.code == Exit.TIMEOUT
    assert ended.out == ""
    assert ended.err.count(f"`glideslope review approve {name}`") == 2


async def test_a_second_try_that_waits_for_its_check_is_told_as_such(
    settings: Settings, service: Service, checked: Callable[..., AnswerChecked]
) -> None:
    async def answer(record: Record, name: str) -> None:
        item = checked(name, "/glideslope/cli")
        await service.reply(record, topics.REQUESTS_ACCEPTED, item.request)
        for topic in (topics.ANSWERS_DRAFTED, topics.FALLBACK_REGENERATE, topics.ANSWERS_DRAFTED):
            await service.reply(record, topic, item)

    async with answering(settings, answer):
        with pytest.raises(NoEndError) as stopped:
            await ask(request_event(QUESTION), settings, seconds=3)

    assert stopped.value.stands is topics.ANSWERS_DRAFTED


async def test_nobody_there_is_told_as_such(settings: Settings, service: Service) -> None:  # noqa: ARG001 - its topics
    with pytest.raises(NoEndError, match="is ingest running"):
        await ask(request_event(QUESTION), settings, seconds=1)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("answered", Exit.OK),
        ("answered_by_person", Exit.OK),
        ("refused", Exit.REFUSED),
    ],
)
async def test_the_command_prints_the_result_s_data_alone(  # noqa: PLR0913, PLR0917 - fixtures
    outcome: str,
    code: Exit,
    settings: Settings,
    service: Service,
    glideslope: Run,
    result: Callable[..., Result],
) -> None:
    async def answer(record: Record, name: str) -> None:
        end = result(name, "/glideslope/cli", outcome=outcome)
        await service.reply(record, topics.RESULTS, end)

    async with answering(settings, answer):
        ended = await glideslope("ask", "How much was it?", "--json", "--timeout", "20")

    assert ended.code == code, ended.err
    assert Result.model_validate_json(ended.out).outcome == outcome


async def test_the_command_shows_quotes_checks_and_receipt_to_people(
    settings: Settings, service: Service, glideslope: Run, result: Callable[..., Result]
) -> None:
    async def answer(record: Record, name: str) -> None:
        await service.reply(record, topics.RESULTS, result(name, "/glideslope/cli"))

    async with answering(settings, answer):
        ended = await glideslope(
            *("ask", "How much was it?", "--metadata", "desk=credit"),
            *("--principal", "ann", "--group", "credit", "--deadline", "2099-01-01T00:00:00Z"),
        )

    assert ended.code == Exit.OK, ended.err
    for part in (
        "It was 12 million.",
        "“12 million”",
        "report, p. 1",
        "confidence 0.50",
        "half of it",
        "entry 41 of log test/0",
    ):
        assert part in ended.out


async def test_the_command_tells_a_timeout_apart(service: Service, glideslope: Run) -> None:  # noqa: ARG001 - its topics
    ended = await glideslope("ask", "How much was it?", "--json", "--timeout", "0.5")

    assert ended.code == Exit.TIMEOUT
    assert ended.out == ""
    assert "is ingest running" in ended.err
