"""SIGSTOP past the session timeout while another takes over, then SIGCONT: a zombie."""

import random
import signal

import pytest

from shared.settings import Settings
from tests.chaos.conftest import FULL
from tests.chaos.fleet import MANY_TRANSACTIONS, Fleet
from tests.chaos.model import STEPS
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("step", STEPS if FULL else ["after offsets"])
async def test_a_service_that_wakes_after_another_took_over_writes_nothing(
    settings: Settings, chance: random.Random, step: str
) -> None:
    inputs = Inputs(settings, chance)
    await inputs.publish(["relay"] * 300)
    async with (
        Fleet(settings) as fleet,
        Outcomes(settings) as outcomes,
        Outcomes(settings, isolation="read_uncommitted") as everything,
    ):
        zombie = await fleet.start(
            fault=step, fault_at=chance.randrange(2, 8), fault_signal="SIGSTOP", **MANY_TRANSACTIONS
        )
        await zombie.stopped()
        survivor = await fleet.start()
        await outcomes.until(len(inputs.keys))
        ends = await everything.ends()

        joined = zombie.times("assigned")
        zombie.signal(signal.SIGCONT)
        await zombie.says("assigned", joined + 1)
        assert await everything.ends() == ends, "the zombie has written"

        await inputs.publish(["relay"] * 200)  # it is a member like any other again
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
        assert survivor.times("fenced") == 0, "the zombie has taken a partition from its owner"
    assert_exactly_once(inputs, outcomes)
