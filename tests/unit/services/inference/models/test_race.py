import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.inference.models.race import Way, first


class Ways:
    """Ways that take their time, and note when they begin and end."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def way(
        self, name: str, seconds: float, *, fails: bool = False
    ) -> Callable[[], Awaitable[str]]:
        async def run() -> str:
            self.log.append(f"{name} begins")
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                self.log.append(f"{name} cancelled")
                raise
            if fails:
                raise LookupError(name)
            return name

        return run


@pytest.fixture
def ways() -> Ways:
    return Ways()


async def test_a_way_is_begun_only_when_the_one_before_has_failed(ways: Ways) -> None:
    chain = [Way(ways.way("a", 0.01, fails=True)), Way(ways.way("b", 0)), Way(ways.way("c", 0))]

    assert await first(chain, goes_on=LookupError) == "b"
    assert ways.log == ["a begins", "b begins"]


async def test_nothing_comes_of_ways_that_all_fail(ways: Ways) -> None:
    chain = [Way(ways.way(name, 0, fails=True), may_hedge=True) for name in "abc"]

    assert await first(chain, goes_on=LookupError) is None
    assert await first(chain, goes_on=LookupError, hedge_after=0.01) is None
    assert ways.log == [f"{name} begins" for name in "abcabc"]


async def test_any_other_error_is_raised_and_stops_what_works(ways: Ways) -> None:
    async def broken() -> str:
        raise ZeroDivisionError

    chain = [Way(ways.way("a", 5), may_hedge=True), Way(broken, may_hedge=True)]
    with pytest.raises(ZeroDivisionError):
        await first(chain, goes_on=LookupError, hedge_after=0.01)
    assert ways.log == ["a begins", "a cancelled"]


async def test_a_slow_way_gets_company_and_the_loser_is_cancelled(ways: Ways) -> None:
    chain = [Way(ways.way("slow", 5), may_hedge=True), Way(ways.way("b", 0), may_hedge=True)]

    assert await first(chain, goes_on=LookupError, hedge_after=0.01) == "b"
    assert ways.log == ["slow begins", "b begins", "slow cancelled"]


async def test_a_way_that_may_not_hedge_is_kept_for_when_all_have_failed(ways: Ways) -> None:
    chain = [Way(ways.way("slow", 0.05, fails=True), may_hedge=True), Way(ways.way("last", 0))]

    assert await first(chain, goes_on=LookupError, hedge_after=0.01) == "last"
    assert ways.log == ["slow begins", "last begins"]


async def test_whoever_waits_can_give_up_and_everything_ends(ways: Ways) -> None:
    chain = [Way(ways.way(name, 5), may_hedge=True) for name in "ab"]
    answer = first(chain, goes_on=LookupError, hedge_after=0.01)
    racing = asyncio.create_task(answer)
    while len(ways.log) < 2:  # noqa: ASYNC110 - both have begun then
        await asyncio.sleep(0.005)
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing

    assert sorted(ways.log[2:]) == ["a cancelled", "b cancelled"]
