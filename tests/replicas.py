"""Several processes of each service on one cluster, each of a build of its own."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Self

from glideslope.child import Child
from glideslope.stack import settings_environment
from glideslope.supervisor import SERVICES
from shared.settings import Settings

READY_WITHIN: Final = 120.0  # seconds, on a machine that does much else
_MIN_READY: Final = 5.0  # seconds, as the chart has it: a new process works before an old one goes
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of a service; `build` None is that of this source tree."""

    service: str
    build: Path | None
    process: Child

    @property
    def cpu_seconds(self) -> float:
        """CPU time that the process has taken so far, user and system; 0 once it is gone."""
        return cpu_seconds(self.process.pid)

    @property
    def resident_mib(self) -> float:
        """Memory that the process has now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * _PAGE / 1024 / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process; 0 of one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


class Replicas:
    """Processes, as one async context: left, those that still run are drained."""

    def __init__(
        self, settings: Settings, logs: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.running: list[Replica] = []
        self.logs = logs
        self._environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **settings_environment(settings),
            **(environment or {}),
        }
        self._patience = settings.grace_seconds + READY_WITHIN
        self._numbers = count(1)

    async def __aenter__(self) -> Self:
        # not under the home folder: a socket's path has room for about a hundred bytes
        self._sockets = tempfile.TemporaryDirectory(prefix="glideslope-")
        return self

    async def __aexit__(self, *_exception: object) -> None:
        stopping = (self.stop(each) for each in [*self.running])
        ended = await asyncio.gather(*stopping, return_exceptions=True)
        self._sockets.cleanup()
        for death in filter(None, ended):
            raise death

    def of(self, service: str) -> list[Replica]:
        """Return what runs of a service, the oldest first."""
        return [each for each in self.running if each.service == service]

    async def start(self, service: str, build: Path | None = None) -> Replica:
        """Start one more process of a service and wait until it is ready."""
        name = f"{service}-{next(self._numbers)}"
        child = Child(
            name, SERVICES[service], self.logs / f"{name}.log", self._environment, build=build
        )
        await child.start(Path(self._sockets.name) / name)
        replica = Replica(service, build, child)
        self.running.append(replica)
        async with asyncio.timeout(READY_WITHIN):
            await child.ready()
        return replica

    async def stop(self, replica: Replica) -> None:
        """Drain a process, and see that it ends in order. Raises `ServiceDiedError` if not."""
        self.running.remove(replica)
        process = replica.process
        process.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._patience):
                code = await process.wait()
        except TimeoutError:
            process.signal(signal.SIGKILL)
            code = await process.wait()
        if code != 0 and process.is_ready:  # before, it may not know what SIGTERM means
            raise process.death()

    async def scale(self, service: str, to: int) -> None:
        """Start or stop processes of a service, side by side, until there are `to`."""
        have = self.of(service)
        await asyncio.gather(*(self.start(service) for _ in range(to - len(have))))
        await asyncio.gather(*(self.stop(each) for each in have[to:]))

    async def replace(self, service: str, build: Path | None) -> None:
        """Replace a service, process by process, as a rolling update with a surge of one does."""
        for old in self.of(service):
            await self.start(service, build)
            await asyncio.sleep(_MIN_READY)
            await self.stop(old)
