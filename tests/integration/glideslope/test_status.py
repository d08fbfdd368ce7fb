"""`status` on real Kafka: counted by reading, whatever the markers between the records."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from glideslope.status import Stock, take_stock
from glideslope.terminal import Exit
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.delivery.retries import Retry
from shared.events import (
    AnswerChecked,
    RequestAccepted,
    RequestDuplicated,
    RequestRejected,
    RequestSubmitted,
    Result,
    ReviewDecided,
)
from shared.settings import Settings
from tests.integration.glideslope.conftest import Run, Service

pytestmark = pytest.mark.kafka

Passes = Callable[[str, topics.Topic], Awaitable[None]]
DAY = timedelta(days=1)
QUESTION = RequestSubmitted(question="?")


def records(stock: Stock, topic: topics.Topic, settings: Settings) -> int | None:
    return {each.name: each.records for each in stock.topics}[settings.topic(topic)]


async def test_an_idle_pipeline_adds_up(settings: Settings, service: Service) -> None:  # noqa: ARG001 - its topics
    stock = await take_stock(settings, DAY)

    assert stock.reconciliation.adds_up
    assert stock.reconciliation.requests == 0
    assert {group.lag for group in stock.groups if group.name.endswith("ingest")} == {0}


async def test_each_request_is_found_where_it_stands(
    settings: Settings,
    service: Service,
    result: Callable[..., Result],
    checked: Callable[..., AnswerChecked],
) -> None:
    for name in ("answered", "rejected", "answered", "reviewed", "waiting", "working"):
        await service.put(topics.REQUESTS, QUESTION, id=name)
    partition, offset = await service.put(topics.REQUESTS, b"{", id="junk")
    await service.put(topics.REQUESTS, QUESTION, id="never", commit=False)
    await service.put(topics.RESULTS, result("answered"))
    await service.put(
        topics.REQUESTS_REJECTED,
        RequestRejected(request_id="rejected", request_source="/desk", code="c", message="m"),
    )
    await service.put(
        topics.REQUESTS_DUPLICATED,
        RequestDuplicated(request_id="answered", request_source="/desk"),
    )
    letter = dead_letter(
        Record(settings.topic(topics.REQUESTS), partition, offset, 0, b"k", b"{"),
        ValueError("boom"),
        topic="",
        service="ingest",
        attempts=1,
    )
    await service.put(topics.DEAD_LETTERS, letter.value, headers=list(letter.headers))
    for name in ("reviewed", "waiting"):
        await service.put(topics.FALLBACK_REVIEW, checked(name))
    decided = ReviewDecided.model_validate(
        {
            "item": checked("reviewed"),
            "decision": "approved",
            "answer": checked().answer,
            "reviewer": "ann",
            "decided_at": "2030-01-01T00:00:00Z",
        }
    )
    await service.put(topics.REVIEWS_DECIDED, decided)

    stock = await take_stock(settings, DAY)

    equation = stock.reconciliation
    assert equation.adds_up, stock.faults
    assert (equation.requests, equation.results, equation.rejected) == (7, 1, 1)
    assert (equation.duplicates, equation.dead_letters) == (1, 1)
    assert (equation.being_worked_on, equation.waiting_for_person) == (2, 1)
    assert records(stock, topics.REQUESTS, settings) == 7
    ingest = next(group for group in stock.groups if group.name.endswith(".ingest"))
    assert (ingest.lag, ingest.dead_letters) == (7, 1)


async def test_a_transaction_s_marker_is_no_lag(
    settings: Settings, service: Service, accepted: Callable[..., RequestAccepted]
) -> None:
    for name in ("1", "2", "3"):
        partition, offset = await service.put(
            topics.REQUESTS_ACCEPTED, accepted(name, "/desk"), id=name
        )
    position = TopicPartition(settings.topic(topics.REQUESTS_ACCEPTED), partition)
    inference = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.topic_prefix}inference",
        enable_auto_commit=False,
    )
    await inference.start()
    inference.assign([position])

    async def lag(committed: int) -> int:
        await inference.commit({position: committed})
        stock = await take_stock(settings, DAY)
        return next(group.lag for group in stock.groups if group.name.endswith(".inference"))

    # each record is followed by its transaction's marker, so there are twice as many offsets
    try:
        assert await lag(offset + 1) == 0
        assert await lag(offset) == 1
        assert await lag(0) == 3
    finally:
        await inference.stop()


@pytest.fixture
async def passes(settings: Settings) -> AsyncIterator[Passes]:
    """Commit, as a group that has no member, that it has passed everything on a topic."""
    clients: list[AIOKafkaConsumer] = []

    async def passes(group: str, topic: topics.Topic) -> None:
        client = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers,
            group_id=f"{settings.topic_prefix}{group}",
            enable_auto_commit=False,
        )
        clients.append(client)
        await client.start()
        position = TopicPartition(settings.topic(topic), 0)
        client.assign([position])
        await client.commit(await client.end_offsets([position]))

    try:
        yield passes
    finally:
        for client in clients:
            await client.stop()


async def test_a_request_that_was_passed_without_a_successor_is_lost_and_named(
    settings: Settings,
    service: Service,
    accepted: Callable[..., RequestAccepted],
    passes: Passes,
    glideslope: Run,
) -> None:
    for name in ("goes on", "vanished"):
        await service.put(topics.REQUESTS, QUESTION, id=name)
        assert (await take_stock(settings, DAY)).reconciliation.lost == 0
    await service.put(topics.REQUESTS_ACCEPTED, accepted("goes on", "/desk"))
    await passes("ingest", topics.REQUESTS)

    halfway = await take_stock(settings, DAY)
    assert [fault.request_id for fault in halfway.faults] == ["vanished"]
    assert (halfway.reconciliation.lost, halfway.reconciliation.in_flight) == (1, 1)

    await passes("inference", topics.REQUESTS_ACCEPTED)
    ended = await glideslope("status", "--json")
    shown = await glideslope("status")

    assert ended.code == Exit.FAILED
    said = json.loads(ended.out)["reconciliation"]
    assert (said["adds_up"], said["lost"], said["in_flight"]) == (False, 2, 0)
    assert {fault["request_id"] for fault in said["faults"]} == {"goes on", "vanished"}
    assert shown.code == Exit.FAILED
    assert "vanished of /desk: 1 record of the request lost" in shown.out


async def test_a_request_that_waits_for_another_try_or_in_an_open_transaction_is_not_lost(
    settings: Settings,
    service: Service,
    accepted: Callable[..., RequestAccepted],
    passes: Passes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("glideslope.status._SETTLE_SECONDS", 0.2)
    partition, offset = await service.put(topics.REQUESTS, QUESTION)
    await passes("ingest", topics.REQUESTS)
    event = Event("1", topics.REQUESTS.event_type, "/desk", QUESTION.model_dump_json().encode())
    failed = Record(
        *(settings.topic(topics.REQUESTS), partition, offset, 0, b"k"),
        event.data,
        tuple(event.headers()),
    )
    retry = Retry(failed, attempts=3)
    retry.wait(60, cause="RuntimeError")

    async def standing() -> tuple[int, int]:
        equation = (await take_stock(settings, DAY)).reconciliation
        return equation.in_flight, equation.lost

    assert await standing() == (0, 1)
    waiting = retry.output("")
    await service.put(topics.INGEST_RETRY, waiting.value, headers=list(waiting.headers))
    assert await standing() == (1, 0)
    await passes("ingest", topics.INGEST_RETRY)
    assert await standing() == (0, 1)
    # the retry's successor is written, and the offset committed, a moment before it can be read
    await service.producer.begin_transaction()
    await service.producer.send_and_wait(
        settings.topic(topics.REQUESTS_ACCEPTED),
        partition=partition,
        key=b"k",
        value=accepted("1", "/desk").model_dump_json().encode(),
        headers=event.headers(),
    )
    assert await standing() == (1, 0)
    await service.producer.commit_transaction()
    assert await standing() == (1, 0)


async def test_two_results_for_one_request_are_named(
    settings: Settings, service: Service, result: Callable[..., Result], glideslope: Run
) -> None:
    await service.put(topics.REQUESTS, QUESTION, id="twice")
    for name in ("twice", "twice", "orphan"):
        await service.put(topics.RESULTS, result(name), id=name)

    stock = await take_stock(settings, DAY)
    ended = await glideslope("status", "--json")
    shown = await glideslope("status")

    assert {(fault.request_id, fault.what) for fault in stock.faults} == {
        ("twice", "2 results for 1 record of the request"),
        ("orphan", "1 result without a request"),
    }
    assert ended.code == Exit.FAILED
    said = json.loads(ended.out)["reconciliation"]
    assert (said["adds_up"], said["fault_count"]) == (False, 2)
    assert {fault["request_id"] for fault in said["faults"]} == {"twice", "orphan"}
    assert shown.code == Exit.FAILED
    assert "twice of /desk: 2 results" in shown.out


async def test_no_more_than_ten_faults_are_named(
    settings: Settings, service: Service, result: Callable[..., Result]
) -> None:
    for number in range(12):
        await service.put(topics.RESULTS, result(str(number)), id=str(number))

    stock = await take_stock(settings, DAY)

    assert len(stock.faults) == 10
    assert len(stock.reconciliation.faults) == 12


async def test_the_command_shows_what_adds_up(service: Service, glideslope: Run) -> None:
    await service.put(topics.REQUESTS, QUESTION)

    ended = await glideslope("status")

    assert ended.code == Exit.OK, ended.err
    assert "1 requests = 0 results" in " ".join(ended.out.split())
    assert "it adds up" in ended.out
