"""Decides one item for each step that it is told, and is killed at that step; then does the rest.

    python one_reviewer.py STEP…

Each step is a process of its own, forked from this one, which has imported everything. Settings
come from the environment.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

from sqlalchemy import func, select

from services.review.adapters import deciding, rows
from services.review.adapters.desk import Desk
from services.review.adapters.outbox import SqlOutbox
from services.review.adapters.relay import Relay
from services.review.adapters.tables import outbox
from services.review.decision import Judgement, Kind
from services.review.errors import NotOpenError
from services.review.identity import Identity, Role
from services.review.item import Arrival, item_id
from services.review.settings import ReviewSettings
from shared import topics
from shared.cloudevents import Event
from shared.delivery.producer import TransactionalProducer
from shared.delivery.transactions import KafkaTransactions
from shared.events import Answer, AnswerChecked, Confidence, RequestAccepted, Usage
from shared.release import BUILT_IN, Release, ReviewRules

ANN = Identity("ann", frozenset({Role.REVIEWER}), frozenset({"*"}))


class _BuiltIn:
    async def get(self, _release: str) -> Release:
        return BUILT_IN


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def after(work: Callable[..., Any]) -> Callable[..., Any]:
    async def and_die(*given: Any, **named: Any) -> None:
        await work(*given, **named)
        die()

    return and_die


def lay(step: str) -> None:
    """Have this process die at a step."""
    match step:
        case "in the database's transaction":
            rows.post = after(rows.post)
        case "decided":
            deciding.Deciding.decide = after(deciding.Deciding.decide)  # type: ignore[method-assign] # as is its purpose
        case "a batch is made":
            KafkaTransactions.commit = die  # type: ignore[method-assign,assignment] # as above
        case "records are written":
            TransactionalProducer._end = die  # type: ignore[method-assign,assignment] # as above
        case "Kafka has committed":
            KafkaTransactions.commit = after(KafkaTransactions.commit)  # type: ignore[method-assign] # as above
        case "the database knows":
            published = SqlOutbox.published

            async def once_out(self: SqlOutbox, before: int) -> None:
                await published(self, before)
                async with self._database.reading() as connection:
                    query = select(func.count()).where(outbox.c.published_at.is_(None))
                    if not await connection.scalar(query):
                        die()

            SqlOutbox.published = once_out  # type: ignore[method-assign] # as above


def waiting(name: str) -> AnswerChecked:
    return AnswerChecked(
        request=RequestAccepted(
            request_id=name,
            request_source="/desk",
            tenant="acme",
            question="How much was it?",
            received_at=datetime(2030, 1, 1, tzinfo=UTC),
            release=BUILT_IN.content_hash(),
        ),
        answer=Answer(text="It was 12 million."),
        usage=Usage(model="extractive"),
        checks=(),
        confidence=Confidence(probability=0.5, threshold=0.9),
        reason="half of it is supported",
    )


async def put(desk: Desk, names: list[str]) -> None:
    for name in names:
        checked = waiting(name)
        data = checked.model_dump_json().encode()
        event = Event(name, topics.FALLBACK_REVIEW.event_type, "/v", data)
        arrival = Arrival(event, 0, 0, b"k", datetime.now(UTC))
        await desk.intake._arrivals.put(arrival, checked, ReviewRules())


async def decide(desk: Desk, name: str) -> None:
    id_ = item_id("/desk", name)
    item = await desk.reviews.get(ANN, id_)
    try:
        claim = await desk.reviews.claim(ANN, id_)  # one's own again, if one died with it
    except NotOpenError:
        return
    await desk.reviews.decide(ANN, id_, Judgement(Kind.APPROVED, item.payload, claim.token))


async def work(step: str | None, names: list[str]) -> None:
    settings = ReviewSettings(review_undo_seconds=0)
    desk = Desk(settings, _BuiltIn())
    await desk.database.open()
    await put(desk, names)
    if step is not None:
        lay(step)
    relay = Relay(settings, desk.database, 0, desk.intake.closed)
    for name in names if step is None else [step]:
        await decide(desk, name)
    running = asyncio.create_task(relay.run())
    left = 1
    while left or step:  # one that is to die goes on until it does
        await asyncio.sleep(0.02)
        async with desk.database.reading() as connection:
            query = select(func.count()).where(outbox.c.published_at.is_(None))
            left = await connection.scalar(query) or 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await desk.database.close()


if __name__ == "__main__":
    steps: list[str | None] = [*sys.argv[1:], None]
    for each in steps:
        if child := os.fork():
            print("end", each, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        else:
            asyncio.run(work(each, sys.argv[1:]))
            os._exit(0)
