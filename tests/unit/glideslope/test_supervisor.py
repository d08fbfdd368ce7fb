"""The supervisor over small processes that stand in for services."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glideslope.child import ServiceDiedError
from glideslope.supervisor import NotReadyError, StackEvent, Supervisor

DRAINS = """
import signal, sys, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
from shared.readiness import notify
print("hello", flush=True)
notify("READY=1")
while not stop.wait(0.05):
    pass
print("drained", flush=True)
"""
STUBBORN = DRAINS.replace("lambda *_: stop.set()", "signal.SIG_IGN")
DIES = "print('first words')\nprint('last words')\nraise SystemExit(7)\n"
NEVER_READY = "import time\ntime.sleep(300)\n"


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    return folder


def supervisor(
    modules: Path,
    programs: dict[str, str],
    events: list[StackEvent] | None = None,
    **seconds: float,
) -> Supervisor:
    for name, program in programs.items():
        (modules / f"fake_{name}.py").write_text(program)
    return Supervisor(
        {name: f"fake_{name}" for name in programs},
        logs=modules.parent / "logs",
        environment={"PYTHONPATH": f"{modules}{os.pathsep}{Path.cwd()}"},
        report=events.append if events is not None else lambda _event: None,
        **{"grace_seconds": 10, "ready_seconds": 30, **seconds},
    )


def names(events: list[StackEvent], service: str) -> list[str]:
    return [event.event for event in events if event.service == service]


async def test_services_start_report_ready_and_drain(modules: Path) -> None:
    events: list[StackEvent] = []
    fleet = supervisor(modules, {"one": DRAINS, "two": DRAINS}, events)
    async with fleet:
        assert {e.service for e in events if e.event == "service_ready"} == {"one", "two"}
    assert fleet.drained
    assert names(events, "one") == ["started", "service_ready", "drained"]
    assert [e.exit_code for e in events if e.event == "drained"] == [0, 0]
    assert (modules.parent / "logs" / "one.log").read_text() == "hello\ndrained\n"


async def test_what_a_service_says_of_itself_comes_with_its_readiness(modules: Path) -> None:
    events: list[StackEvent] = []
    says = DRAINS.replace("notify(", 'notify("STATUS=health: http://127.0.0.1:8080", ')
    async with supervisor(modules, {"one": says, "two": DRAINS}, events):
        told = {event.service: event.note for event in events if event.event == "service_ready"}
        assert told == {"one": "health: http://127.0.0.1:8080", "two": None}


async def test_a_service_that_dies_before_it_is_ready_ends_the_start(modules: Path) -> None:
    events: list[StackEvent] = []
    with pytest.raises(ServiceDiedError, match="last words") as death:
        async with supervisor(modules, {"good": DRAINS, "bad": DIES}, events):
            pytest.fail("it never was ready")
    assert (death.value.service, death.value.exit_code) == ("bad", 7)
    assert names(events, "bad") == ["started", "died"]
    assert names(events, "good")[-1] == "drained"


async def test_a_service_that_dies_later_is_told_with_its_last_lines(modules: Path) -> None:
    async with supervisor(modules, {"one": DRAINS}) as fleet:
        os.kill(fleet.pid("one"), signal.SIGKILL)
        death = await asyncio.wait_for(fleet.died(), 10)
    assert (death.service, death.exit_code) == ("one", 128 + signal.SIGKILL)
    assert death.last_lines == "hello"
    assert str(modules.parent / "logs" / "one.log") in str(death)


async def test_last_lines_are_those_of_the_run_that_died(modules: Path) -> None:
    async with supervisor(modules, {"one": DRAINS}) as fleet:
        await fleet.kill("one", signal.SIGTERM)
        await fleet.start("one")
        os.kill(fleet.pid("one"), signal.SIGKILL)
        death = await asyncio.wait_for(fleet.died(), 10)
    assert death.last_lines == "hello"
    assert death.log.read_text() == "hello\ndrained\nhello\n"


async def test_a_service_killed_on_purpose_is_no_death_and_can_start_again(modules: Path) -> None:
    events: list[StackEvent] = []
    fleet = supervisor(modules, {"one": DRAINS}, events)
    async with fleet:
        first = fleet.pid("one")
        assert await fleet.kill("one") == 128 + signal.SIGKILL
        await fleet.start("one")
        assert fleet.pid("one") != first
    assert fleet.drained
    assert "died" not in names(events, "one")


async def test_a_service_that_will_not_drain_is_killed(modules: Path) -> None:
    events: list[StackEvent] = []
    fleet = supervisor(modules, {"one": STUBBORN}, events, grace_seconds=0.1, late_seconds=0.1)
    async with fleet:
        pass
    assert not fleet.drained
    assert names(events, "one") == ["started", "service_ready", "killed"]


async def test_services_that_hang_can_be_ended_at_once(modules: Path) -> None:
    async with supervisor(modules, {"one": STUBBORN}, grace_seconds=60) as fleet:
        os.kill(fleet.pid("one"), signal.SIGSTOP)
        fleet.kill_all()
        async with asyncio.timeout(5):
            assert await fleet.kill("one") == 128 + signal.SIGKILL


async def test_services_that_stay_silent_are_named(modules: Path) -> None:
    with pytest.raises(NotReadyError, match="silent"):
        async with supervisor(modules, {"prompt": DRAINS, "silent": NEVER_READY}, ready_seconds=2):
            pytest.fail("it never was ready")


async def test_a_terminal_cannot_reach_a_service_directly(modules: Path) -> None:
    async with supervisor(modules, {"one": DRAINS}) as fleet:
        assert os.getsid(fleet.pid("one")) != os.getsid(0)


def test_services_die_with_a_supervisor_that_is_killed(modules: Path, tmp_path: Path) -> None:
    """The service holds a pipe open for writing; its end of file is the service's death."""
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    holds = f"alive = open({str(pipe)!r}, 'w')\n" + STUBBORN.replace(
        "notify(", "alive.write('x'); alive.flush(); notify("
    )
    (modules / "fake_one.py").write_text(holds)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(modules), str(tmp_path / "logs")],
        cwd=Path.cwd(),
    )
    try:
        with pipe.open() as alive:
            assert alive.read(1) == "x"
            starter.kill()
            assert alive.read() == ""
    finally:
        starter.kill()
        starter.wait()


STARTER = """
import asyncio, os, sys
from pathlib import Path
from glideslope.supervisor import Supervisor

async def main():
    environment = {"PYTHONPATH": os.pathsep.join([sys.argv[1], os.getcwd()])}
    async with Supervisor(
        {"one": "fake_one"}, logs=Path(sys.argv[2]), environment=environment,
        grace_seconds=10, ready_seconds=30,
    ):
        await asyncio.Event().wait()

asyncio.run(main())
"""
