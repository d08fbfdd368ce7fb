"""A static member that restarts in time moves nobody's partitions."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.integration.shared.delivery.relays import Reader, publish, start_relay

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]


def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


async def until(log: Path, event: str, count: int) -> None:
    """Wait until a member has logged an event that often."""
    async with asyncio.timeout(60):
        while told(log, event) < count:  # noqa: ASYNC110 - another process's log tells no event
            await asyncio.sleep(0.05)


def told(log: Path, event: str) -> int:
    return sum(f'"event": "{event}"' in line for line in log.read_text().splitlines())


async def test_a_static_member_gets_its_partitions_back_and_the_others_keep_theirs(
    settings: Settings, tmp_path: Path
) -> None:
    logs = {name: tmp_path / f"{name}.log" for name in ("first", "second", "again")}
    async with AsyncExitStack() as stack:

        async def start(name: str, instance: str) -> asyncio.subprocess.Process:
            process = await start_relay(
                settings,
                stderr=stack.enter_context(logs[name].open("wb")),
                GLIDESLOPE_INSTANCE=instance,
                GLIDESLOPE_SESSION_TIMEOUT_SECONDS="30",
            )
            stack.push_async_callback(process.wait)
            stack.callback(end, process)
            return process

        first = await start("first", "a")
        await until(logs["first"], "ready", 1)
        await start("second", "b")
        await until(logs["second"], "ready", 1)
        await until(logs["first"], "assigned", 2)
        rebalances = told(logs["second"], "assigned")
        first.kill()
        await first.wait()
        await start("again", "a")
        await until(logs["again"], "ready", 1)
        async with Reader(settings) as reader:
            await publish(settings, [(b"%d" % n, b'{"question": "%d"}' % n) for n in range(100)])
            await reader.until(100, seconds=20)
        assert told(logs["second"], "assigned") == rebalances
