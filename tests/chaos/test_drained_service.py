"""SIGTERM: what is in flight is finished, and nothing is handled twice."""

import random
from collections import Counter

import pytest

from shared.settings import Settings
from tests.chaos.conftest import FULL, only_full
from tests.chaos.fleet import Fleet
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

ROUNDS = 8 if FULL else 1


@pytest.mark.timeout(300)
async def test_no_handler_is_started_twice_when_services_are_drained(
    settings: Settings, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        for _ in range(ROUNDS):
            await inputs.publish(["relay"] * 400)
            await fleet.start(handler_seconds=0.5)
            await outcomes.until(len(outcomes.records) + chance.randrange(20, 120))
            await fleet.drain()
        await fleet.start()
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)
    starts = Counter(id_ for id_, _, _ in fleet.starts.read())
    assert starts == Counter(str(n) for n in range(len(inputs.keys)))


@only_full
@pytest.mark.timeout(300)
async def test_no_handler_is_started_twice_when_one_service_joins_while_another_is_drained(
    settings: Settings, chance: random.Random
) -> None:
    """As in any rolling update."""
    inputs = Inputs(settings, chance)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        leaving = await fleet.start(handler_seconds=4)
        for _ in range(ROUNDS):
            await inputs.publish(["relay"] * 100)
            await outcomes.until(len(outcomes.records) + chance.randrange(5, 20))
            joining = await fleet.start(handler_seconds=4)
            await joining.says("health")  # it joins the group next
            await leaving.drain()
            leaving = joining
        # some 700 are left, 4 s each, 32 at once: that alone takes a minute and a half
        await outcomes.until(len(inputs.keys), within=180)
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)
    starts = Counter(id_ for id_, _, _ in fleet.starts.read())
    assert starts == Counter(str(n) for n in range(len(inputs.keys)))
