"""`dlq` beside the running services: what is redriven gets its end, and everything adds up."""

import asyncio
import json
from datetime import timedelta

import pytest

from glideslope import cluster, redrive
from glideslope.asking import DeadLettered, ask, request_event
from glideslope.dead_letters import read_all
from glideslope.redrive import Selection
from glideslope.releases.registry import register
from glideslope.stack import Stack
from glideslope.status import take_stock
from shared import topics
from shared.events import InlinePassage, Operation, RequestSubmitted, Result
from shared.release import BUILT_IN
from shared.settings import Settings
from tests.conftest import WITHOUT_REVIEW
from tests.integration.glideslope.conftest import Run

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

LATER = BUILT_IN.model_copy(update={"name": "later"})
QUESTION = RequestSubmitted(
    question="What is the credit limit of desk seven?",
    passages=(InlinePassage(id="p", text="The credit limit of desk seven is 12 million euros."),),
)


async def standing(settings: Settings) -> dict[str, int]:
    stock = await take_stock(settings, timedelta(days=1))
    equation = stock.reconciliation
    assert equation.adds_up, stock.faults
    counted = {
        "results": equation.results,
        "dead_letters": equation.dead_letters,
        "in_flight": equation.in_flight,
    }
    assert equation.requests == sum(counted.values())
    return counted


async def dead_letters(settings: Settings, count: int) -> None:
    """Wait until there are so many dead letters."""
    async with asyncio.timeout(60):
        while len([each async for each in read_all(settings)]) < count:  # noqa: ASYNC110 - reads anew
            await asyncio.sleep(0.2)


async def test_a_redriven_request_is_answered_by_the_release_it_was_pinned_to(
    settings: Settings, glideslope: Run
) -> None:
    environment = {
        "GLIDESLOPE_RELEASE": LATER.content_hash(),
        "GLIDESLOPE_RETRY_DELAYS_SECONDS": "[]",
    }
    async with Stack(settings, environment=environment, services=WITHOUT_REVIEW) as stack:
        settings = stack.settings
        event = request_event(QUESTION)
        ended = await ask(event, settings, seconds=60)
        async with cluster.producer(settings) as producer:
            await producer.send_and_wait(settings.topic(topics.REQUESTS), b"{", partition=0)
        await dead_letters(settings, 2)
        assert isinstance(ended, DeadLettered)
        assert await standing(settings) == {"results": 0, "dead_letters": 2, "in_flight": 0}

        await register(LATER, settings)
        async with cluster.reader(settings, topics.RESULTS, start="end") as reader:
            sent = await glideslope("dlq", "redrive", "--yes", "--json")
            async with asyncio.timeout(60):
                async for _, record in reader.follow():
                    result = Result.model_validate_json(record.value or b"")
                    break
        await dead_letters(settings, 3)  # the junk failed again

        assert json.loads(sent.out)["sent"] == 2, sent.err
        assert (result.request_id, result.release) == (event.id, LATER.content_hash())
        assert result.outcome == "answered"
        # junk that came twice ended twice
        assert await standing(settings) == {"results": 1, "dead_letters": 2, "in_flight": 0}
        left = await redrive.plan(Selection(), settings)
        assert (len(left.letters), left.redriven, left.failed_again) == (0, 2, 1)
        stock = await take_stock(settings, timedelta(days=1))
        logged = next(each for each in stock.groups if each.name.endswith(".audit"))
        assert logged.dead_letters == 0, "the operation is an event that audit takes"
    async with cluster.reader(settings, topics.OPERATIONS) as reader:
        [operation] = [
            Operation.model_validate_json(record.value or b"")
            async for _, record in reader.to_end()
            if record.value
        ][:1]
    assert operation.action == "dlq.redrive"
