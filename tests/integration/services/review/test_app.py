"""Review as the engine runs it, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from glideslope import review as past_the_database
from glideslope.subjects import tell_erased
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.app import build
from services.review.decision import Judgement, Kind, Proposal
from services.review.errors import UnknownItemError
from services.review.identity import Identity, Role
from services.review.item import Item, Status, item_id
from services.review.web.settings import WebSettings
from services.validator.app import build as build_validator
from services.validator.settings import Settings as ValidatorSettings
from shared import topics as pipeline
from shared.cloudevents import Event
from shared.delivery.engine import Engine
from shared.events import (
    Answer,
    AnswerChecked,
    Confidence,
    Passage,
    RequestAccepted,
    ReviewDecided,
    Usage,
)
from shared.release import BUILT_IN
from shared.settings import Settings
from shared.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

ANN = Identity("ann", frozenset({Role.REVIEWER}), frozenset({"*"}))
_T = TypeVar("_T")


@pytest.fixture
def review_settings(settings: Settings) -> WebSettings:
    return WebSettings(**settings.model_dump(), review_undo_seconds=0, review_poll_seconds=0.02)


@pytest.fixture(autouse=True)
def without_escalation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay looks again when it escalates: here it is to be told that something is due."""
    monkeypatch.setattr("services.review.adapters.relay._ESCALATE_SECONDS", 600)


@asynccontextmanager
async def running(*engines: Engine) -> AsyncIterator[None]:
    ready = [asyncio.Event() for _ in engines]
    tasks = [
        asyncio.create_task(engine.run(event.set))
        for engine, event in zip(engines, ready, strict=True)
    ]
    try:
        for event in ready:
            await asyncio.wait_for(event.wait(), 60)
        yield
    finally:
        for engine in engines:
            engine.stop()
        await asyncio.gather(*tasks)


@asynccontextmanager
async def queue(settings: WebSettings) -> AsyncIterator[SqlReviews]:
    """Open the service's database from beside it, as another of its processes would."""
    database = Database(settings.database_url)
    try:
        yield SqlReviews(database, settings.terms)
    finally:
        await database.close()


def checked(name: str) -> AnswerChecked:
    return AnswerChecked(
        request=RequestAccepted(
            request_id=name,
            request_source="/desk",
            tenant="acme",
            question="What was the net income?",
            received_at=datetime(2020, 1, 1, tzinfo=UTC),
            release=BUILT_IN.content_hash(),
        ),
        answer=Answer(text="It was 12 million."),
        passages=(
            Passage(id="1", document_id="report", locator="p. 1", text="It was 13 million."),
        ),
        usage=Usage(model="extractive"),
        checks=(),
        confidence=Confidence(probability=0.5, threshold=0.9),
        reason="half of it is supported",
    )


async def send(settings: Settings, topic: Topic, *names: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        for name in names:
            data = checked(name).model_dump_json().encode()
            event = Event(
                id=f"review {name}",
                type=topic.event_type,
                source="/v",
                data=data,
                subject=f"who asked {name}",
            )
            await producer.send_and_wait(
                settings.topic(topic),
                data,
                key=name.encode(),
                partition=0,
                headers=[(k, v) for k, v in event.headers() if v is not None],
            )


async def until(ask: Callable[[], Awaitable[_T | None]], seconds: float = 30) -> _T:
    async with asyncio.timeout(seconds):
        # ASYNC110: what another process does to a database, it has to be asked
        while (found := await ask()) is None:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)
    return found


async def waiting(reviews: SqlReviews, name: str) -> Item:
    async def look() -> Item | None:
        try:
            return await reviews.get(ANN, item_id("/desk", name))
        except UnknownItemError:
            return None

    return await until(look)


async def decided(settings: Settings, count: int) -> list[ReviewDecided]:
    """Read all decisions there are, at least so many."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed"
    )
    found: list[ReviewDecided] = []
    async with consumer:
        partition = TopicPartition(settings.topic(pipeline.REVIEWS_DECIDED), 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        async with asyncio.timeout(30):
            while len(found) < count:
                records = await consumer.getmany(partition, timeout_ms=100)
                found += [
                    ReviewDecided.model_validate_json(record.value or b"")
                    for record in records.get(partition, ())
                ]
    return found


def lose_the_database(settings: WebSettings) -> None:
    for file in settings.review_folder.glob("queue.db*"):
        file.unlink()


async def test_items_come_are_decided_once_and_the_queue_can_be_made_anew(
    review_settings: WebSettings,
) -> None:
    settings = review_settings
    await send(settings, pipeline.FALLBACK_REVIEW, "here", "there", "open")
    async with running(Engine(build(settings))), queue(settings) as reviews:
        item = await waiting(reviews, "here")
        await waiting(reviews, "open")
        claim = await reviews.claim(ANN, item.id)
        judgement = Judgement(Kind.APPROVED, item.payload, claim.token)
        await reviews.decide(ANN, item.id, judgement)
        (first,) = await decided(settings, 1)
        assert (first.item, first.reviewer, first.payload) == (item.checked, "ann", item.payload)
        # somebody decides past the database, through the topics
        await past_the_database.decide(
            "there", None, lambda each: each.reject("bob", "out of scope"), settings
        )

        async def closed() -> bool | None:
            there = await reviews.get(ANN, item_id("/desk", "there"))
            return True if there.summary.status is Status.DECIDED else None

        await until(closed)
        # which fenced the relay: it starts anew, and publishes
        item = await waiting(reviews, "open")
        claim = await reviews.claim(ANN, item.id)
        judgement = Judgement(Kind.APPROVED, item.payload, claim.token)
        await reviews.decide(ANN, item.id, judgement)
        names = [each.item.request.request_id for each in await decided(settings, 3)]
        assert names == ["here", "there", "open"]

    await send(settings, pipeline.FALLBACK_REVIEW, "late")
    lose_the_database(settings)
    async with running(Engine(build(settings))), queue(settings) as reviews:
        late = await waiting(reviews, "late")
        stands = {
            name: (await waiting(reviews, name)).summary.status
            for name in ("here", "there", "open")
        }
        assert set(stands.values()) == {Status.DECIDED}
        (opinion,) = await reviews.opinions(ANN, item_id("/desk", "there"))
        assert (opinion.reviewer, opinion.note or opinion.reason) == ("bob", "out of scope")
        claim = await reviews.claim(ANN, late.id)
        await reviews.decide(ANN, late.id, Judgement(Kind.APPROVED, late.payload, claim.token))
        assert len(await decided(settings, 4)) == 4

        await send(settings, pipeline.FALLBACK_REVIEW, "waits")
        await waiting(reviews, "waits")
        await tell_erased(settings, "acme", "who asked there")
        await tell_erased(settings, "acme", "who asked waits")
        *_, last = await decided(settings, 5)
        assert (last.item.request.request_id, last.decision) == ("waits", "rejected")
        assert last.item.request.question == "(erased)"

        async def forgotten() -> bool | None:
            there = await reviews.get(ANN, item_id("/desk", "there"))
            return True if there.checked.answer is None else None

        await until(forgotten)


async def test_an_edit_is_checked_by_the_validator_before_it_is_let_out(
    review_settings: WebSettings,
) -> None:
    settings = review_settings
    await send(settings, pipeline.FALLBACK_REVIEW, "1")
    shared = settings.model_dump(include=set(Settings.model_fields))
    validator = build_validator(ValidatorSettings(**shared))
    async with (
        running(Engine(build(settings)), Engine(validator)),
        queue(settings) as reviews,
    ):
        item = await waiting(reviews, "1")
        claim = await reviews.claim(ANN, item.id)

        async def checks_of(text: str) -> Proposal:
            edit = await reviews.propose(ANN, item.id, claim.token, text)

            async def back() -> Proposal | None:
                found = await reviews.proposal(ANN, item.id, edit.id)
                return None if found.checks is None else found

            return await until(back)

        bad = await checks_of("It was 14 million.")
        assert "figures" in {each.name for each in bad.failing}
        good = await checks_of("It was 13 million.")
        assert "figures" not in {each.name for each in good.failing}
        accepts = tuple(each.name for each in good.failing)
        await reviews.decide(
            ANN,
            item.id,
            Judgement(Kind.EDITED, item.payload, claim.token, proposal=good.id, accepts=accepts),
        )
        (decision,) = await decided(settings, 1)
        assert decision.answer is not None
        assert decision.answer.text == "It was 13 million."
        assert decision.checks == good.checks
