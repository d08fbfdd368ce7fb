"""Models that go down, slow, throttled and wrong in turn, under the real inference service."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import pytest
from aiokafka import AIOKafkaProducer

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.server import serving
from glideslope.releases.registry import register
from glideslope.stack import settings_environment
from shared import topics
from shared.cloudevents import Event
from shared.events import AnswerDrafted, InlinePassage, RequestAccepted
from shared.release import BUILT_IN, GeneratorParameters, Release
from shared.settings import Settings
from tests.chaos.conftest import FULL, only_full
from tests.chaos.outcomes import Outcomes

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

A_SECOND: Final = 50
PHASE_SECONDS: Final = 10.0
LATENCY: Final = 0.05
PRIMARY: Final = "primary:primary"
SMALL: Final = "other:small"
TROUBLES: Final = {
    "down": Behaviour(model="primary", fault=Fault.DOWN),
    "stalled": Behaviour(model="primary", fault=Fault.STALLED),
    "slow": Behaviour(model="primary", latency_seconds=30),
    "throttled": Behaviour(model="primary", fault=Fault.THROTTLED, retry_after=0.5),
    "failing now and then": Behaviour(model="primary", fault=Fault.UNAVAILABLE, share=0.3),
    "malformed": Behaviour(model="primary", fault=Fault.MALFORMED),
    "wrong": Behaviour(model="primary", fault=Fault.PROSE),
}
WELL: Final = Behaviour(latency_seconds=LATENCY)


def release(*fallbacks: str) -> Release:
    parameters = GeneratorParameters(
        model=PRIMARY, passages=6, sentences=3, fallbacks=fallbacks or None
    )
    return BUILT_IN.model_copy(
        update={"prompt": "grounded-1", "generator": parameters, "stronger": parameters}
    )


@asynccontextmanager
async def inference(settings: Settings, url: str) -> AsyncIterator[None]:
    """Run the service in a process of its own; it has to drain in the end."""
    log = settings.home / "inference.log"
    told = {
        "PROVIDERS": json.dumps(
            {
                name: {"kind": "openai", "base_url": f"{url}/v1", "concurrency": 64}
                for name in ("primary", "other")
            }
        ),
        "MAX_IN_FLIGHT": "64",
        "MODEL_SILENCE_SECONDS": "1.0",
        "MODEL_SECONDS": "3.0",
        "MODEL_PATIENCE_SECONDS": "1.0",
        "BREAKER_RECOVERY_SECONDS": "0.5",
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.inference.app",
            stdout=output,
            stderr=output,
            env={
                **os.environ,
                **settings_environment(settings),
                **{f"GLIDESLOPE_{name}": value for name, value in told.items()},
                "PYTHONPATH": str(Path.cwd()),
            },
        )
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0, log.read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Asking:
    """Publishes accepted requests, numbered, at an even pace; each can be answered by quoting."""

    def __init__(self, settings: Settings, release: Release) -> None:
        self.count = 0
        self.phases: list[tuple[str, int]] = []
        self._topic = settings.topic(topics.REQUESTS_ACCEPTED)
        self._release = release.content_hash()
        self._producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def go_on(self, phase: str, seconds: float) -> None:
        """Publish for some seconds."""
        self.phases.append((phase, self.count))
        begun = asyncio.get_running_loop().time()
        for number in range(int(seconds * A_SECOND)):
            due = begun + number / A_SECOND
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            await self._producer.send(self._topic, **self._request())

    def _request(self) -> dict[str, object]:
        number = str(self.count)
        self.count += 1
        text = f"The credit limit of desk {number} is {int(number) + 7} million euros."
        data = RequestAccepted(
            request_id=number,
            request_source="/chaos",
            tenant="default",
            question=f"What is the credit limit of desk {number}?",
            passages=(InlinePassage(id="p", text=text),),
            received_at=datetime.now(UTC),
            release=self._release,
        )
        type_ = topics.REQUESTS_ACCEPTED.event_type
        value = data.model_dump_json().encode()
        event = Event(id=number, type=type_, source="/chaos", data=value)
        return {"key": number.encode(), "value": value, "headers": event.headers()}

    def phase_of(self, number: int) -> str:
        return [name for name, start in self.phases if start <= number][-1]


def ends(settings: Settings) -> Outcomes:
    return Outcomes(
        settings, topics.ANSWERS_DRAFTED, topics.DEAD_LETTERS, topics.RETRIES["inference"]
    )


async def well(asking: Asking, seen: Outcomes, phase: str) -> None:
    """Go on asking until the primary model, and no other, answers."""
    async with asyncio.timeout(60):
        while True:
            await asking.go_on(phase, 0.5)
            await seen.until(asking.count)
            last = [AnswerDrafted.model_validate_json(r.value) for r in seen.records[-20:]]
            if {draft.usage.model for draft in last} == {PRIMARY}:
                return


def drafts(settings: Settings, asking: Asking, seen: Outcomes) -> dict[int, AnswerDrafted]:
    """Return the draft of each request: exactly one, and nothing on any other topic."""
    where = Counter(record.topic for record in seen.records)
    assert set(where) == {settings.topic(topics.ANSWERS_DRAFTED)}, where
    found = [AnswerDrafted.model_validate_json(record.value) for record in seen.records]
    by_number = {int(draft.request.request_id): draft for draft in found}
    assert sorted(int(d.request.request_id) for d in found) == list(range(asking.count))
    assert [n for n, draft in by_number.items() if draft.answer is None] == []
    return by_number


@only_full
@pytest.mark.timeout(600)
async def test_whatever_befalls_the_primary_model_every_request_is_answered_once(
    settings: Settings,
) -> None:
    chain = release(SMALL, "extractive")
    await register(chain, settings)
    script = Script(WELL)
    async with (
        serving(script) as url,
        ends(settings) as seen,
        Asking(settings, chain) as asking,
        inference(settings, url),
    ):
        await well(asking, seen, "well at first")
        for trouble, behaviour in TROUBLES.items():
            script.tell(WELL, behaviour)
            await asking.go_on(trouble, PHASE_SECONDS)
        script.tell(WELL)
        await seen.until(asking.count)
        await well(asking, seen, "well again")
    found = drafts(settings, asking, seen)
    phases: dict[str, Counter[str]] = {name: Counter() for name, _ in asking.phases}
    for number, draft in found.items():
        phases[asking.phase_of(number)][draft.usage.model] += 1
    for phase, models in phases.items():
        print(f"{phase:22} {models[PRIMARY] / models.total():4.0%} primary  {dict(models)}")
    assert all(phases[trouble].keys() != {PRIMARY} for trouble in TROUBLES)


@pytest.mark.timeout(300)
async def test_while_the_only_model_is_down_requests_wait_and_then_are_answered(
    settings: Settings,
) -> None:
    alone = release()
    await register(alone, settings)
    script = Script(WELL)
    troubles = itertools.islice(TROUBLES.items(), None if FULL else 1)
    async with (
        serving(script) as url,
        ends(settings) as seen,
        Asking(settings, alone) as asking,
        inference(settings, url),
    ):
        for trouble, behaviour in troubles:
            if trouble == "wrong":  # of a model that answers, a person is told instead
                continue
            script.tell(WELL, behaviour)
            await asking.go_on(trouble, 1.0)
            await asyncio.sleep(2.0)
            script.tell(WELL)
            await asking.go_on("well again", 1.0)
            await seen.until(asking.count)
    found = drafts(settings, asking, seen)
    assert {draft.usage.model for draft in found.values()} == {PRIMARY}
