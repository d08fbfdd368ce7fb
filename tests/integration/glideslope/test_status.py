"""`status` on real Kafka: counted by reading, whatever the markers between the records."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from glideslope.status import Stock, take_stock
from glideslope.terminal import Exit
from shared import topics
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
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
