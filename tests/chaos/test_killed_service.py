"""SIGKILL of the service: at random moments, and at each step of a commit."""

import asyncio
import random

import pytest

from shared.settings import Settings
from tests.chaos.conftest import FULL
from tests.chaos.fleet import MANY_TRANSACTIONS, Fleet
from tests.chaos.model import STEPS
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

KILLS = 50 if FULL else 3


@pytest.mark.timeout(900)
async def test_every_request_ends_once_although_services_are_killed_at_random_moments(
    settings: Settings, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        for _ in range(2):
            await fleet.start()
        for _ in range(KILLS):
            await inputs.publish(["relay"] * 250)
            await outcomes.until(len(outcomes.records) + chance.randrange(1, 100))
            await asyncio.sleep(chance.uniform(0, 0.3))
            await chance.choice(fleet.running).kill()
            await fleet.start()
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)


@pytest.mark.timeout(600)
async def test_every_request_ends_once_although_services_die_at_each_step_of_a_commit(
    settings: Settings, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    steps = list(STEPS) * (5 if FULL else 1)
    chance.shuffle(steps)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        for step in steps:
            await inputs.publish(["relay"] * 100)
            member = await fleet.start(
                fault=step, fault_at=chance.randrange(1, 6), **MANY_TRANSACTIONS
            )
            assert await member.ended() == -9, f"not killed {step}: {member.said()}"
        await fleet.start()
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)
