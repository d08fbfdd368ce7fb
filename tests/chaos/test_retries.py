"""The retry topic: when a record is tried again, how often, and across a restart."""

import random
import time
from collections import defaultdict
from itertools import pairwise

import pytest

from shared import topics
from shared.settings import Settings
from tests.chaos.conftest import only_full
from tests.chaos.fleet import Fleet
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once, number_of

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

LATE_BY = 1.0  # seconds, at the most
HANDLER_SECONDS = 0.02
MILLISECOND = 0.001  # what a due time in a header is cut to


def tries(fleet: Fleet) -> dict[int, list[float]]:
    """Return when each request was tried, in ascending order."""
    at: dict[int, list[float]] = defaultdict(list)
    for id_, _, time_ in fleet.starts.read():
        at[int(id_)].append(time_)
    return at


@pytest.mark.timeout(120)
async def test_a_record_is_tried_again_when_it_is_due_and_no_oftener_than_told(
    settings: Settings, chance: random.Random
) -> None:
    delays = [1.0, 2.0]
    inputs = Inputs(settings, chance)
    failing = [chance.choice([0, 1, 2, 9]) for _ in range(80)]  # 9: until the end
    await inputs.publish([f"fails {times}" for times in failing])
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        await fleet.start(attempts=1, retry_delays_seconds=delays, poison_run=1000)
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    at = tries(fleet)
    for number, times in enumerate(failing):
        waited = [later - earlier for earlier, later in pairwise(at[number])]
        assert len(waited) == min(times, len(delays))
        for delay, seconds in zip(delays, waited, strict=False):
            assert delay - MILLISECOND <= seconds <= delay + HANDLER_SECONDS + LATE_BY
    assert {number_of(letter) for letter in outcomes.dead} == {
        number for number, times in enumerate(failing) if times > len(delays)
    }
    assert {dict(letter.headers)["glideslope-attempts"] for letter in outcomes.dead} == {b"3"}
    assert_exactly_once(inputs, outcomes, in_order=False)


@only_full
@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True])
async def test_a_restart_keeps_what_waits_and_when_it_is_due(
    settings: Settings, chance: random.Random, *, killed: bool
) -> None:
    delay = 4.0
    told = {"attempts": 1, "retry_delays_seconds": [delay]}
    inputs = Inputs(settings, chance)
    await inputs.publish(["fails 1"] * 40)
    async with (
        Fleet(settings) as fleet,
        Outcomes(settings, topics.RETRIES["ingest"]) as waiting,
        Outcomes(settings) as outcomes,
    ):
        first = await fleet.start(**told)
        await waiting.until(len(inputs.keys))
        await (first.kill() if killed else first.drain())
        second = await fleet.start(**told)
        await second.says("ready")
        ready = time.time()
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    for tried, again in tries(fleet).values():
        due = tried + delay
        assert due - MILLISECOND <= again <= max(due + HANDLER_SECONDS, ready) + LATE_BY
    assert_exactly_once(inputs, outcomes, in_order=False)
