"""Partitions that change hands under load: the one who gives them up finishes what it has begun."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import pytest

from glideslope.topics import create_topics
from shared.events import RequestRejected
from shared.settings import Settings
from tests.integration.shared.delivery.relays import Reader, publish, start_relay

pytestmark = pytest.mark.kafka

IN_HAND = 300  # three members' 32 handlers are always busy, and more is waiting
HANDLER_SECONDS = "0.5"  # at the most: whenever partitions move, handlers are at work


class Member:
    """A relay, and the ids of the records that its handler was started with."""

    def __init__(self, process: Process, starts: Path) -> None:
        self.process = process
        self._starts = starts

    @classmethod
    async def start(cls, settings: Settings, name: str) -> Self:
        starts = settings.home / f"starts-{name}"
        starts.touch()
        return cls(
            await start_relay(
                settings,
                GLIDESLOPE_PARTITIONS=str(settings.partitions),
                GLIDESLOPE_RELAY_SECONDS=HANDLER_SECONDS,
                GLIDESLOPE_RELAY_STARTS=str(starts),
            ),
            starts,
        )

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def started(self) -> list[str]:
        return self._starts.read_text().splitlines()


class Load:
    """As many new requests as have ended, so that there is always something in flight."""

    def __init__(self, settings: Settings, reader: Reader) -> None:
        self.sent = 0
        self._settings = settings
        self._reader = reader

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if (room := IN_HAND - (self.sent - len(self._reader.records))) > 0:
                    numbers = range(self.sent, self.sent + room)
                    await publish(
                        self._settings,
                        [(b"%d" % n, b'{"question": "%d"}' % n) for n in numbers],
                        first=self.sent,
                    )
                    self.sent += room
                await self._reader.fetch()


async def test_nothing_is_lost_or_handled_twice_when_a_member_joins_and_another_leaves(
    settings: Settings,
) -> None:
    settings = settings.model_copy(update={"partitions": 3})
    await create_topics(settings)
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(Reader(settings))
        load = Load(settings, reader)

        async def join(name: str) -> Member:
            member = await Member.start(settings, name)
            stack.push_async_callback(member.kill)
            return member

        first, second = await asyncio.gather(join("first"), join("second"))
        await load.until(lambda: min(len(first.started()), len(second.started())) > 100)
        third = await join("third")
        await load.until(lambda: len(third.started()) > 100)
        first.process.send_signal(signal.SIGTERM)
        await load.until(lambda: first.process.returncode is not None)
        assert first.process.returncode == 0
        kept = len(second.started()), len(third.started())
        await load.until(
            lambda: len(second.started()) > kept[0] + 100 and len(third.started()) > kept[1] + 100
        )
        await reader.until(load.sent)
        for member in (second, third):
            member.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(member.process.wait(), 30) == 0
        await reader.until_end()

    once = Counter(str(number) for number in range(load.sent))
    outcomes = [RequestRejected.model_validate_json(r.value).request_id for r in reader.records]
    assert Counter(outcomes) == once
    starts = [id_ for member in (first, second, third) for id_ in member.started()]
    assert Counter(starts) == once
