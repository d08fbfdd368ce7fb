import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from services.inference.models.errors import ThrottledError, UnavailableError
from services.inference.models.limits import Limited
from services.inference.models.model import Call, Completion, Prompt, Tokens

CALL = Call("m", Prompt("", ""), max_output_tokens=1, seconds=5.0)
DONE = Completion("done", Tokens(1, 1))


class Held:
    """A provider whose calls wait until they are let go; `worst` is how many were under way."""

    system = "held"

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.under_way = 0
        self.worst = 0
        self.errors: list[Exception] = []

    async def complete(self, _call: Call) -> Completion:
        self.under_way += 1
        self.worst = max(self.worst, self.under_way)
        try:
            await self.let_go.wait()
            if self.errors:
                raise self.errors.pop()
        finally:
            self.under_way -= 1
        return DONE


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(
    provider: Held,
    *,
    concurrency: int = 4,
    per_minute: int | None = None,
    patience: float = 0.05,
    clock: Callable[[], float] = time.monotonic,
) -> Limited:
    return Limited(
        provider,
        "p",
        concurrency=concurrency,
        per_minute=per_minute,
        patience=patience,
        clock=clock,
    )


async def throttle(held: Held, provider: Limited, retry_after: float | None = None) -> None:
    held.errors.append(ThrottledError("slower", retry_after=retry_after))
    with pytest.raises(ThrottledError, match="slower"), capture_logs():
        await provider.complete(CALL)


async def test_no_more_calls_are_under_way_than_the_provider_bears() -> None:
    held = Held()
    provider = limited(held, patience=5)
    calls = [asyncio.create_task(provider.complete(CALL)) for _ in range(20)]
    await asyncio.sleep(0)
    held.let_go.set()

    assert await asyncio.gather(*calls) == [DONE] * 20
    assert held.worst == 4


async def test_a_call_that_gets_no_place_goes_elsewhere_in_time() -> None:
    held = Held()
    provider = limited(held, concurrency=1)
    first = asyncio.create_task(provider.complete(CALL))
    await asyncio.sleep(0)

    with pytest.raises(ThrottledError, match="requests_per_minute"):
        await provider.complete(CALL)
    held.let_go.set()
    assert await first == DONE
    assert await provider.complete(CALL) == DONE


async def test_a_call_that_can_go_nowhere_else_waits_for_its_place() -> None:
    held = Held()
    provider = limited(held, concurrency=1)
    calls = [asyncio.create_task(provider.complete(replace(CALL, is_last=True))) for _ in range(3)]
    await asyncio.sleep(0.1)  # twice the patience
    held.let_go.set()

    assert await asyncio.gather(*calls) == [DONE] * 3


async def test_a_caller_that_goes_away_keeps_no_place() -> None:
    held = Held()
    provider = limited(held, concurrency=1, patience=5)
    calls = [asyncio.create_task(provider.complete(CALL)) for _ in range(5)]
    await asyncio.sleep(0)
    for each in calls:
        each.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    held.let_go.set()

    assert await provider.complete(CALL) == DONE


async def test_throttling_halves_the_limit_once_and_answers_raise_it_again() -> None:
    held, clock = Held(), Clock()
    held.let_go.set()
    provider = limited(held, concurrency=16, clock=clock)
    await throttle(held, provider)
    await throttle(held, provider)  # a moment later: of the same event
    assert provider.limit == 8

    clock.now += 1.5
    await throttle(held, provider)
    assert provider.limit == 4

    for _ in range(200):
        await provider.complete(CALL)
    assert provider.limit == 16


async def test_other_failures_leave_the_limit_alone() -> None:
    held = Held()
    held.let_go.set()
    held.errors.append(UnavailableError("down"))
    provider = limited(held, concurrency=16)
    with pytest.raises(UnavailableError):
        await provider.complete(CALL)

    assert provider.limit == 16


async def test_a_provider_that_asks_for_patience_gets_no_calls_until_then() -> None:
    held, clock = Held(), Clock()
    held.let_go.set()
    provider = limited(held, clock=clock)
    await throttle(held, provider, retry_after=3)

    with pytest.raises(ThrottledError, match="patience") as raised:
        await provider.complete(CALL)
    assert raised.value.retry_after == 3
    assert held.under_way == 0
    clock.now += 3.1
    assert await provider.complete(CALL) == DONE


async def test_no_more_calls_a_minute_than_the_provider_grants() -> None:
    held = Held()
    held.let_go.set()
    provider = limited(held, per_minute=10)
    answered = await asyncio.gather(
        *(provider.complete(CALL) for _ in range(30)), return_exceptions=True
    )

    assert answered.count(DONE) == 10
    assert sum(isinstance(each, ThrottledError) for each in answered) == 20


async def test_the_rate_is_halved_with_the_limit() -> None:
    held = Held()
    held.let_go.set()
    provider = limited(held, concurrency=1000, per_minute=100)
    await throttle(held, provider)
    answered = await asyncio.gather(
        *(provider.complete(CALL) for _ in range(200)), return_exceptions=True
    )

    assert 45 <= answered.count(DONE) <= 55
