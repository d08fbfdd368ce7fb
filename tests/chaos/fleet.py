"""Processes of the model service: started, signalled, and in the end drained."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Self

from shared.settings import Settings
from tests.chaos.model import Starts

PROGRAM = Path(__file__).parent / "model.py"
EVENT_WITHIN = 60.0  # seconds
MANY_TRANSACTIONS = {"max_in_flight": 4, "handler_seconds": 0.05}
"""Settings of a member that commits little at a time, so that there are many commits to break."""


class Member:
    """One process, and what it has logged."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self.pid = process.pid
        self._log = log

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self, within: float = EVENT_WITHIN) -> int:
        """Wait for the end and return the exit code, negative for a signal."""
        try:
            async with asyncio.timeout(within):
                return await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"does not end; it said:\n{self.said()}") from None

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    async def drain(self) -> None:
        """SIGTERM, and the exit code that says that everything in flight was finished."""
        if self.is_running:
            self.signal(signal.SIGTERM)
        # one that was just started may still be importing, and has nothing to drain then
        assert await self.ended() in {0, -signal.SIGTERM}, self.said()

    async def stopped(self) -> None:
        """Wait until the process is frozen by SIGSTOP."""
        async with asyncio.timeout(EVENT_WITHIN):
            while await self._state() != "T":  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.05)

    def said(self) -> str:
        return self._log.read_text()

    def times(self, event: str) -> int:
        """How often the process has logged this event."""
        return len(re.findall(rf"\b{re.escape(event)}\b", self.said()))

    async def says(self, event: str, times: int = 1, within: float = EVENT_WITHIN) -> None:
        """Wait until the process has logged the event so many times."""
        async with asyncio.timeout(within):
            while self.times(event) < times:
                assert self.is_running, self.said()
                await asyncio.sleep(0.05)

    async def _state(self) -> str:
        ps = await asyncio.create_subprocess_exec(
            "ps", "-o", "state=", "-p", str(self.pid), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await ps.communicate()
        return out.decode().strip()[:1]


class Fleet:
    """Members of one group. Left over ones are killed at the end."""

    def __init__(self, settings: Settings, bootstrap_servers: str | None = None) -> None:
        self.members: list[Member] = []
        self._settings = settings
        self._bootstrap_servers = bootstrap_servers or settings.bootstrap_servers
        self._starts = settings.home / "starts"
        self.starts = Starts(self._starts)
        """Every start of a handler."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self.running:
            await member.kill()

    @property
    def running(self) -> list[Member]:
        return [member for member in self.members if member.is_running]

    async def start(self, **settings: object) -> Member:
        """Start a member; `settings` are those of the service, by field."""
        log = self._settings.home / f"member-{len(self.members)}.log"
        told = {
            "topic_prefix": self._settings.topic_prefix,
            "home": self._settings.home,
            "starts": self._starts,
            "grace_seconds": 5,
            "retry_delays_seconds": "[0.2]",
            **settings,
        }
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                stdout=output,
                stderr=output,
                env={
                    **os.environ,
                    "PYTHONPATH": str(Path.cwd()),
                    "KAFKA_BOOTSTRAP_SERVERS": self._bootstrap_servers,
                    **{f"GLIDESLOPE_{name.upper()}": str(value) for name, value in told.items()},
                },
            )
        member = Member(process, log)
        self.members.append(member)
        return member

    async def drain(self) -> None:
        """Let every member that runs finish and leave."""
        await asyncio.gather(*(member.drain() for member in self.running))
