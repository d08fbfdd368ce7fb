"""The broker killed, paused and out of disk, each in the middle of a transaction."""

import asyncio
import os
import random
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from glideslope.kafka import Broker
from glideslope.kafka.folder import Folder
from glideslope.topics import create_topics
from shared.settings import Settings
from tests.chaos.conftest import FULL, SENT, BrittleBroker, only_full, process_runtime
from tests.chaos.fleet import MANY_TRANSACTIONS, Fleet
from tests.chaos.outcomes import Inputs, Outcomes, assert_exactly_once
from tests.chaos.proxy import Api, Cut, Proxy

pytestmark = [pytest.mark.chaos, pytest.mark.kafka]

PAUSE_SECONDS = 20
AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")  # who mounts; where nobody may, tests skip


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("api", SENT if FULL else [Api.END])
async def test_every_request_ends_once_although_the_broker_is_killed_in_a_transaction(
    settings: Settings, brittle: BrittleBroker, chance: random.Random, api: Api
) -> None:
    pid = brittle.broker.pid
    assert pid is not None
    inputs = Inputs(settings, chance)
    await inputs.publish(["relay"] * 400)
    async with (
        Proxy(brittle.proxy_port, brittle.behind_proxy) as proxy,
        Fleet(settings, brittle.proxied) as fleet,
        Outcomes(settings) as outcomes,
    ):
        happened = proxy.once(
            api, chance.randrange(2, 9), Cut.NOTHING, lambda: os.kill(pid, signal.SIGKILL)
        )
        for _ in range(2):
            await fleet.start(**MANY_TRANSACTIONS)
        await asyncio.wait_for(happened.wait(), 30)
        await asyncio.to_thread(brittle.broker.restart)
        await outcomes.until(len(inputs.keys), within=120)
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)


@only_full
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("api", [Api.PRODUCE, Api.OFFSETS, Api.END])
async def test_every_request_ends_once_although_the_broker_is_paused_in_a_transaction(
    settings: Settings, brittle: BrittleBroker, chance: random.Random, api: Api
) -> None:
    pid = brittle.broker.pid
    assert pid is not None
    inputs = Inputs(settings, chance)
    await inputs.publish(["relay"] * 400)
    async with (
        Proxy(brittle.proxy_port, brittle.behind_proxy) as proxy,
        Fleet(settings, brittle.proxied) as fleet,
        Outcomes(settings) as outcomes,
    ):
        happened = proxy.once(
            api, chance.randrange(2, 9), Cut.NOTHING, lambda: os.kill(pid, signal.SIGSTOP)
        )
        for _ in range(2):
            await fleet.start(**MANY_TRANSACTIONS)
        try:
            await asyncio.wait_for(happened.wait(), 30)
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)
        await outcomes.until(len(inputs.keys), within=120)
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)


@only_full
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("topics")
async def test_a_service_that_is_stopped_while_the_broker_is_away_ends_in_order(
    settings: Settings, brittle: BrittleBroker, chance: random.Random
) -> None:
    inputs = Inputs(settings, chance)
    await inputs.publish(["relay"] * 400)
    async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
        member = await fleet.start(**MANY_TRANSACTIONS)
        await outcomes.until(chance.randrange(1, 50))
        await asyncio.to_thread(brittle.broker.kill)
        await member.says("Failed fetch messages")
        await member.drain()
        assert member.times("drained") == 1, member.said()

        await asyncio.to_thread(brittle.broker.restart)
        await fleet.start()
        await outcomes.until(len(inputs.keys))
        await fleet.drain()
        await outcomes.until_end()
    assert_exactly_once(inputs, outcomes)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 192 MB."""
    if AS_ROOT and shutil.which(AS_ROOT[0]) is None:
        pytest.skip("no disk to fill: run as root, or install sudo")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        [*AS_ROOT, "mount", "-t", "tmpfs", "-o", "size=192m,mode=1777", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk to fill: {mounted.stderr.strip()}; run as root, or with sudo")
    try:
        yield folder
    finally:
        subprocess.run([*AS_ROOT, "umount", "--lazy", str(folder)], check=True)


@only_full
@pytest.mark.timeout(300)
@pytest.mark.parametrize("harm", ["full", "read-only"])
async def test_every_request_ends_once_although_the_brokers_disk_takes_nothing(
    small_disk: Path, tmp_path: Path, chance: random.Random, harm: str
) -> None:
    folder = Folder(small_disk)
    with folder.locked() as lock:
        broker = Broker(folder, process_runtime(), lock)
        broker.start()
        try:
            settings = Settings(
                bootstrap_servers=broker.bootstrap_servers,
                topic_prefix=f"c-{secrets.token_hex(4)}.",
                home=tmp_path,
                partitions=2,
            )
            await create_topics(settings)
            inputs = Inputs(settings, chance)
            await inputs.publish(["relay"] * 2000)
            async with Fleet(settings) as fleet, Outcomes(settings) as outcomes:
                for _ in range(2):
                    await fleet.start(max_in_flight=4)
                await outcomes.until(chance.randrange(50, 400))
                # A broker that cannot write to its only disk ends itself.
                if harm == "full":
                    fill(small_disk / "filler")
                    await asyncio.wait_for(asyncio.to_thread(broker.wait), 60)
                    (small_disk / "filler").unlink()
                else:
                    with read_only(folder.path / "data"):
                        await make_it_write(settings)
                        await asyncio.wait_for(asyncio.to_thread(broker.wait), 60)
                await asyncio.to_thread(broker.restart)
                await outcomes.until(len(inputs.keys), within=120)
                await fleet.drain()
                await outcomes.until_end()
        finally:
            broker.stop()
    assert_exactly_once(inputs, outcomes)


def fill(file: Path) -> None:
    """Write until the disk is full to the last page."""
    with file.open("wb", buffering=0) as filler:
        for size in (1024 * 1024, 4096):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                continue


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be created in the folder; what is open stays so, as on a real disk."""
    subprocess.run([*AS_ROOT, "mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run([*AS_ROOT, "mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run([*AS_ROOT, "umount", "--lazy", str(folder)], check=True)


async def make_it_write(settings: Settings) -> None:
    """Ask for new topics, whose folders the broker cannot make; whether it answers or ends."""
    anew = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}anew."})
    with suppress(Exception):
        await asyncio.wait_for(create_topics(anew), 20)
