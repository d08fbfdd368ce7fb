"""Records that no handler can handle: a few, and nothing else."""

import random

import pytest

from shared.settings import Settings
from tests.chaos.conftest import only_full
from tests.chaos.fleet import Fleet
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once, number_of

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]


@pytest.mark.timeout(120)
async def test_a_stream_of_poison_stops_the_service_and_only_what_was_tried_is_a_dead_letter(
    settings: Settings, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    await inputs.publish(["poison"] * 400)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        member = await fleet.start(poison_run=50, max_in_flight=8)
        assert await member.ended() == 3
        assert "became dead letters" in member.said()
        await outcomes.until_end()
        tried = sorted(int(id_) for id_, _, _ in fleet.starts.read())
        assert sorted(map(number_of, outcomes.dead)) == tried
        assert 50 <= len(tried) < 100

        await fleet.start(poison_run=1000, poison_window=1000)  # somebody wants them all out
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    assert outcomes.relayed == []
    assert_exactly_once(inputs, outcomes)


@only_full
@pytest.mark.timeout(120)
async def test_one_poisoned_request_in_a_hundred_stops_nothing(
    settings: Settings, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    poisoned = set(chance.sample(range(1000), 10))
    await inputs.publish(["poison" if n in poisoned else "relay" for n in range(1000)])
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        await fleet.start(poison_run=5)
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    assert set(map(number_of, outcomes.dead)) == poisoned
    assert_exactly_once(inputs, outcomes)
