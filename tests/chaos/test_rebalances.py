"""Members that come and go while handlers take long."""

import asyncio
import random

import pytest

from shared.settings import Settings
from tests.chaos.conftest import only_full
from tests.chaos.fleet import Fleet
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics"), only_full]


@pytest.mark.timeout(400)
async def test_every_request_ends_once_although_members_come_and_go_during_long_handlers(
    settings: Settings, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    await inputs.publish(["relay"] * 600)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        for _ in range(3):
            await fleet.start(handler_seconds=4)
        for _ in range(12):
            await asyncio.sleep(chance.uniform(1, 3))
            if len(fleet.running) == 2 or (len(fleet.running) == 3 and chance.random() < 0.5):
                await fleet.start(handler_seconds=chance.choice([1, 4, 7]))  # 7: over the grace
            else:
                await chance.choice(fleet.running).drain()
        await outcomes.until(len(inputs.keys), within=200)
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)
