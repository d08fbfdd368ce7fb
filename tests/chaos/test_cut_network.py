"""The network between service and broker: slow, cut, and dead without a word."""

import asyncio
import random

import pytest

from shared.settings import Settings
from tests.chaos.conftest import SENT, BrittleBroker, only_full
from tests.chaos.fleet import MANY_TRANSACTIONS, Fleet
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once
from tests.chaos.proxy import Api, Cut, Proxy

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

CUTS = [(cut, api) for cut in (Cut.BEFORE, Cut.AFTER) for api in SENT]
HALF_OPEN = [(Cut.HALF_OPEN, api) for api in (Api.PRODUCE, Api.END)]


@only_full
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("cut", "api"), [*CUTS, *HALF_OPEN])
async def test_every_request_ends_once_although_a_transaction_is_cut(
    settings: Settings, brittle: BrittleBroker, chance: random.Random, cut: Cut, api: Api
) -> None:
    inputs = Inputs(settings, chance)
    await inputs.publish(["relay"] * 400)
    async with (
        Proxy(brittle.proxy_port, brittle.behind_proxy) as proxy,
        Fleet(settings, brittle.proxied) as fleet,
        Outcomes(settings) as outcomes,
    ):
        happened = proxy.once(api, chance.randrange(2, 9), cut)
        await fleet.start(**MANY_TRANSACTIONS)
        await asyncio.wait_for(happened.wait(), 30)
        await outcomes.until(len(inputs.keys), within=150)
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)


@only_full
@pytest.mark.timeout(300)
async def test_every_request_ends_once_although_a_slow_network_is_cut_again_and_again(
    settings: Settings, brittle: BrittleBroker, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    async with (
        Proxy(brittle.proxy_port, brittle.behind_proxy) as proxy,
        Fleet(settings, brittle.proxied) as fleet,
        Outcomes(settings) as outcomes,
    ):
        proxy.latency = 0.05
        for _ in range(2):
            await fleet.start()
        for _ in range(10):
            await inputs.publish(["relay"] * 200)
            await outcomes.until(len(outcomes.records) + chance.randrange(20, 200))
            await asyncio.sleep(chance.uniform(0, 0.3))
            proxy.reset()
        await outcomes.until(len(inputs.keys), within=120)
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)
