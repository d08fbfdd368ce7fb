"""`glideslope up` as a person starts it: a process of its own, in a session of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from glideslope.stack import settings_environment

ROOT = Path(__file__).parents[2]


class Up:
    """A running `glideslope up --json` and the events it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    def until(self, event: str) -> dict[str, Any]:
        """Read events up to the first of this name."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == event:
                return self.events[-1]
        pytest.fail(f"ended without {event!r}: {self.events}")

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the events of one name that were read so far."""
        return [each for each in self.events if each["event"] == event]

    def press_ctrl_c(self) -> None:
        """Do what a terminal does: signal every process of the foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def _running(environment: dict[str, str], *options: str) -> Iterator[Up]:
    process = subprocess.Popen(
        [sys.executable, "-m", "glideslope", "up", "--json", *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield Up(process)
        finally:
            process.kill()


@pytest.fixture
def up() -> Iterator[Callable[..., Up]]:
    """Start `glideslope up` with settings, and options; what runs at the end is killed."""
    with ExitStack() as running:
        yield lambda settings, *options: running.enter_context(
            _running(settings_environment(settings), *options)
        )
