"""SIGKILL of review while people decide: each question that went to a person ends once."""

import asyncio
import json
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaProducer

from glideslope.desk import Desk
from glideslope.stack import Stack
from glideslope.terminal import CommandError
from shared import topics as pipeline
from shared.events import Result, ReviewDecided
from shared.settings import Settings
from tests.chaos.conftest import FULL
from tests.chaos.outcomes import HEADERS, Outcomes

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.kafka,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("topics"),
    pytest.mark.skipif(not FULL, reason="a long one: make chaos"),
]

KILLS = 6
EACH = 10
QUESTIONS = KILLS * EACH
DATA = {
    "question": "How high are the harbour dues of Port Ellisgate?",
    "passages": [
        {
            "id": "tariff",
            "text": "The harbour dues of Port Ellisgate are EUR 3.40 per tonne since 1 July 2025.",
        }
    ],
    "metadata": {"planted_fault": "wrong_number_always"},
}
ENVIRONMENT = {
    "GLIDESLOPE_PLANTED_FAULTS": "true",
    "GLIDESLOPE_REVIEW_SIGN_IN": "local",
    "GLIDESLOPE_REVIEW_UNDO_SECONDS": "0.2",
}


async def ask(settings: Settings, numbers: range) -> None:
    """Publish questions whose answers come with a wrong number, twice."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        for number in numbers:
            await producer.send_and_wait(
                settings.topic(pipeline.REQUESTS),
                key=b"berth-%d" % (number % 7),
                value=json.dumps(DATA).encode(),
                headers=[*HEADERS, ("ce_id", b"%d" % number)],
            )


async def reject_whatever_waits(settings: Settings) -> None:
    """Be a reviewer, who opens the page again when it does not answer."""
    while True:
        with suppress(OSError, CommandError):
            url = (settings.home / "review" / "url").read_text()
            async with Desk.opened(url, settings) as desk:
                for item in await desk.waiting():
                    await desk.decide(item["id"], {"kind": "rejected", "reason": "wrong figure"})
        await asyncio.sleep(0.1)


async def test_each_question_of_a_person_ends_once_although_review_is_killed_meanwhile(
    settings: Settings, chance: random.Random
) -> None:
    async with (
        Stack(settings, environment=ENVIRONMENT) as stack,
        Outcomes(settings, pipeline.RESULTS, pipeline.REVIEWS_DECIDED) as outcomes,
    ):
        deciding = asyncio.create_task(reject_whatever_waits(stack.settings))
        for kill in range(KILLS):
            await ask(settings, range(kill * EACH, (kill + 1) * EACH))
            await outcomes.until(len(outcomes.records) + chance.randrange(1, EACH))
            await asyncio.sleep(chance.uniform(0, 0.3))
            await stack.kill("review", signal.SIGKILL)
            await stack.start("review")
        await outcomes.until(2 * QUESTIONS)
        deciding.cancel()
        await outcomes.until_end()
    ends = Counter(
        Result.model_validate_json(each.value or b"").request_id
        for each in outcomes.records
        if each.topic == settings.topic(pipeline.RESULTS)
    )
    decisions = Counter(
        ReviewDecided.model_validate_json(each.value or b"").item.request.request_id
        for each in outcomes.records
        if each.topic == settings.topic(pipeline.REVIEWS_DECIDED)
    )
    assert ends == decisions == dict.fromkeys(map(str, range(QUESTIONS)), 1)
