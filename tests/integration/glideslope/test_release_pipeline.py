"""A release on its way beside the running services: shadow, canary, and back by itself."""

import asyncio
import json
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest

from glideslope import cluster
from glideslope.asking import request_event
from glideslope.releases import change, registry, routes
from glideslope.releases.change import By
from glideslope.releases.rule import WatchSettings
from glideslope.releases.watch import OPERATOR, End, watch
from glideslope.stack import Stack
from glideslope.status import take_stock
from services.audit.adapters.stores import open_keys, read
from services.audit.settings import AuditSettings
from shared import topics
from shared.events import (
    AnswerChecked,
    InlinePassage,
    Operation,
    RequestSubmitted,
    Result,
    ShadowChecked,
)
from shared.release import BUILT_IN
from shared.settings import Settings
from shared.topics import Topic
from tests.conftest import WITHOUT_REVIEW
from tests.integration.glideslope.conftest import Run

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

# one that no answer is short enough for: all of them go to a person
WORSE = BUILT_IN.model_copy(update={"name": "worse", "answer_max_characters": 1})
A, B = BUILT_IN.content_hash(), WORSE.content_hash()
QUESTION = RequestSubmitted(
    question="What is the credit limit of desk seven?",
    passages=(InlinePassage(id="p", text="The credit limit of desk seven is 12 million euros."),),
)
WAVE = 20


async def ask_wave(settings: Settings) -> None:
    """Publish questions, each a conversation of its own."""
    async with cluster.producer(settings) as producer:
        for _ in range(WAVE):
            event = request_event(QUESTION)
            await producer.send(
                settings.topic(topics.REQUESTS),
                key=event.id.encode(),
                value=event.data,
                headers=event.headers(),
            )
        await producer.flush()


async def values(settings: Settings, topic: Topic) -> list[bytes]:
    async with cluster.reader(settings, topic) as reader:
        return [record.value or b"" async for _, record in reader.to_end()]


async def ended(settings: Settings, count: int) -> list[Result | AnswerChecked]:
    """Return what so many requests came to, once all have: a result, or to wait for a person."""
    found: list[Result | AnswerChecked] = []
    async with (
        cluster.reader(settings, topics.RESULTS, topics.FALLBACK_REVIEW) as reader,
        asyncio.timeout(60),
    ):
        async for topic, record in reader.follow():
            model = Result if topic is topics.RESULTS else AnswerChecked
            found.append(model.model_validate_json(record.value or b""))
            if len(found) >= count:
                return found
    raise AssertionError("a reader follows for ever")


async def shadowed(settings: Settings, count: int) -> list[ShadowChecked]:
    """Return the ends of so many copies."""
    found = []
    async with cluster.reader(settings, topics.SHADOWS_CHECKED) as reader, asyncio.timeout(60):
        async for _, record in reader.follow():
            copy = ShadowChecked.model_validate_json(record.value or b"")
            found += [copy] if copy.route != "regenerate" else []
            if len(found) >= count:
                return found
    raise AssertionError("a reader follows for ever")


def by(action: str) -> By:
    return By("ann", action, "to see whether it is better")


async def test_a_shadow_answers_nobody_and_a_canary_that_is_worse_is_rolled_back_by_itself(
    settings: Settings, glideslope: Run
) -> None:
    async with Stack(settings, services=WITHOUT_REVIEW) as stack:
        settings = stack.settings
        await registry.create([WORSE], settings, operator="ann", reason="to see")
        await change.change(settings, routes.shadow(B, 100), by("release.shadow"))
        asked = 0
        copies = 0
        while copies < WAVE:  # ingest follows on its own, so the first may come too early
            await ask_wave(settings)
            asked += WAVE
            await ended(settings, asked)
            copies = len(await values(settings, topics.SHADOWS_REQUESTED))
        tried = await shadowed(settings, copies)
        assert {(each.request.release, each.route, each.attempt) for each in tried} == {
            (B, "review", 2)
        }
        answers = await ended(settings, asked)
        assert all(isinstance(each, Result) for each in answers)
        assert {each.release for each in answers if isinstance(each, Result)} == {A}

        compared = await glideslope("release", "compare", "built-in", "worse", "--json")
        live, pairs = json.loads(compared.out)["comparisons"]
        assert (compared.code, live["outcome"], live["requests"]["b"]) == (1, "inconclusive", 0)
        assert pairs["outcome"] == "worse"
        assert pairs["requests"]["b"] >= copies

        await asked_of_both(settings, glideslope)

        await change.change(settings, routes.end_shadow(), by("release.shadow_off"))
        await change.change(settings, routes.canary(B, 50), by("release.canary"))
        rule = WatchSettings(
            **settings.model_dump(), watch_measures=("approval_rate",), watch_minimum=5
        )
        watching = asyncio.create_task(watch(rule, lambda _: None))
        while not watching.done():
            await ask_wave(settings)
            asked += WAVE
            await asyncio.wait([watching], timeout=3)
        end: End = await watching
        assert end.outcome == "rolled_back"
        assert end.finding is not None
        assert (end.finding.measure, end.finding.canary) == ("approval_rate", 1)
        assert end.routing.canary is None

        # both answered side by side, each to its end; a person has all of the canary's
        both = await ended(settings, asked)
        assert Counter(
            (
                type(each).__name__,
                each.release if isinstance(each, Result) else each.request.release,
            )
            for each in both
        ).keys() == {("Result", A), ("AnswerChecked", B)}
        stock = await take_stock(settings, timedelta(days=1))
        assert stock.reconciliation.adds_up, stock.faults
        assert stock.reconciliation.requests == asked
        assert stock.reconciliation.dead_letters == 0
        in_log = {"release.create": "ann", "release.canary": "ann", "release.canary_off": OPERATOR}
        await logged(settings, in_log)
    assert stack.drained


async def asked_of_both(settings: Settings, glideslope: Run) -> None:
    """Have both releases answer a set of questions, and compare what they make of it."""
    questions = settings.home / "questions.jsonl"
    questions.write_text(f"{QUESTION.model_dump_json()}\n" * WAVE)
    told = await glideslope(
        "release", "compare", "built-in", "worse", "--eval", str(questions), "--json"
    )
    (asked,) = (each for each in json.loads(told.out)["comparisons"] if each["source"] == "asked")
    assert asked["requests"] == {"a": WAVE, "b": WAVE}
    rates = {each["measure"]: (each["a"], each["b"]) for each in asked["measures"]}
    assert rates["approval_rate"] == (1, 0)
    assert asked["outcome"] == "worse"


async def logged(settings: Settings, wanted: dict[str, str]) -> None:
    """Wait until the audit log has who did what."""
    async with asyncio.timeout(30):
        while True:
            done = {each.action: each.operator for each in operations(settings)}
            if wanted.items() <= done.items():
                return
            await asyncio.sleep(0.2)


def operations(settings: Settings) -> list[Operation]:
    with closing(open_keys(AuditSettings(home=settings.home))) as keys:
        return [
            Operation.model_validate(json.loads(entry.value or b""))
            for partition in range(settings.partitions)
            for _, entry in read(settings.home / "audit" / str(partition), keys)
            if entry.position.topic == settings.topic(topics.OPERATIONS)
        ]
