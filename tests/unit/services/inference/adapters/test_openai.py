"""What the OpenAI-compatible adapter alone has: a pool that must outlive what befalls its calls."""

import asyncio
from collections import Counter

import pytest

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from services.inference.models.errors import ModelError
from services.inference.models.model import Call, Prompt
from tests.unit.services.inference.conftest import opened

CALL = Call("m", Prompt("s", "u"), max_output_tokens=9, seconds=0.6)


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.STALLED, Fault.TIMEOUT, Fault.RESET])
async def test_after_many_calls_that_failed_or_were_given_up_the_next_is_answered(
    emulator: str, script: Script, fault: Fault
) -> None:
    async with opened("openai", emulator, silence=0.1, concurrency=8) as provider:
        outcomes: Counter[str] = Counter()

        async def call() -> None:
            try:
                await provider.complete(CALL)
            except ModelError as error:
                outcomes[error.code] += 1

        script.tell(Behaviour(fault=fault))
        await asyncio.gather(*(call() for _ in range(50)))  # most of them wait for a connection
        script.tell()
        assert (await provider.complete(CALL)).text

    assert outcomes.total() == 50
