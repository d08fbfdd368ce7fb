import asyncio
from collections.abc import AsyncIterator

import pytest

from shared import topics
from shared.delivery import Record
from shared.replay import Replay, StaleError
from shared.settings import Settings


class Scripted(Replay):
    """A replay that needs no broker: what there is, what comes, and then an error."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(Settings(topic_prefix="p."), topics.ROUTING)
        self._error = error

    async def to_end(self) -> AsyncIterator[list[Record]]:
        yield [Record("p.routing", 0, 0, 0, b"k", b"old", ())]

    async def onwards(self) -> AsyncIterator[list[Record]]:
        yield [Record("p.routing", 0, 1, 0, b"k", b"new", ())]
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


async def test_what_there_is_has_been_taken_when_following_begins_and_what_comes_follows() -> None:
    taken: list[bytes | None] = []
    both = asyncio.Event()

    async def take(batch: list[Record]) -> None:
        taken.extend(record.value for record in batch)
        if len(taken) == 2:
            both.set()

    async with Scripted(None).followed(take):
        assert taken[:1] == [b"old"]
        await asyncio.wait_for(both.wait(), 10)
    assert taken == [b"old", b"new"]


async def test_whoever_relies_on_a_topic_that_cannot_be_followed_is_stopped_and_told() -> None:
    async def take(batch: list[Record]) -> None:
        del batch

    with pytest.raises(StaleError, match=r"p\.routing cannot be followed \(ValueError: gone\)"):
        async with Scripted(ValueError("gone")).followed(take), asyncio.timeout(10):
            await asyncio.Event().wait()


async def test_an_error_of_what_runs_meanwhile_stays_what_it_is() -> None:
    async def take(batch: list[Record]) -> None:
        del batch

    with pytest.raises(KeyError):
        async with Scripted(None).followed(take):
            raise KeyError("mine")
