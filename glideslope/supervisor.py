"""Starts the services, sees when they are ready or dead, and drains them. Restarts nothing."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from glideslope.child import Child, ServiceDiedError

SERVICES: Final[Mapping[str, str]] = {
    name: f"services.{name}.app" for name in ("ingest", "inference", "validator", "review", "audit")
}
"""The module that runs each service."""


class NotReadyError(TimeoutError):
    """Services did not report ready in time."""

    def __init__(self, services: list[str], seconds: float, logs: Path) -> None:
        super().__init__(
            f"not ready after {seconds:g} s: {', '.join(services)}. "
            f"What they wait for is in their logs, in {logs}"
        )


EventName = Literal[
    "progress",
    "kafka",
    "topics",
    "emulator",
    "started",
    "service_ready",
    "review",
    "ready",
    "draining",
    "drained",
    "killed",
    "died",
    "stopped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """Something that happened to the stack, for a person or a program that watches.

    `drained` is one service that ended as asked, `killed` one that had to be made to end.
    """

    event: EventName
    service: str | None = None
    pid: int | None = None
    exit_code: int | None = None
    log: str | None = None
    last_lines: str | None = None
    bootstrap_servers: str | None = None
    home: str | None = None
    topics: int | None = None
    note: str | None = None

    @classmethod
    def of_death(cls, death: ServiceDiedError) -> Self:
        """Return the event of something that ended unasked."""
        return cls(
            event="died",
            service=death.service,
            exit_code=death.exit_code,
            log=str(death.log),
            last_lines=death.last_lines,
        )

    def fields(self) -> dict[str, Any]:
        """Return what there is to say, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


Report = Callable[[StackEvent], None]


def to_nobody(_event: StackEvent) -> None:
    """Report to nobody."""


class Supervisor:
    """The services' processes, as one async context: entered when all are ready, left drained.

    `environment` is added to this process's own. Entering raises `ServiceDiedError` or
    `NotReadyError`. `died` tells of a service that ends unasked; nothing is restarted unasked.
    A service is killed when it is not gone `late_seconds` after its grace period; once left,
    `drained` says whether every service ended in time and in order.
    """

    def __init__(  # noqa: PLR0913 - a supervisor has this many knobs
        self,
        services: Mapping[str, str],
        *,
        logs: Path,
        environment: Mapping[str, str],
        grace_seconds: float,
        ready_seconds: float,
        late_seconds: float = 5.0,
        report: Report = to_nobody,
    ) -> None:
        self._services = services
        self._logs = logs
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self._patience_seconds = grace_seconds + late_seconds
        self._ready_seconds = ready_seconds
        self._report = report
        self._children: dict[str, Child] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._deaths: asyncio.Queue[ServiceDiedError] = asyncio.Queue()
        self._starts = 0
        self.drained = True

    async def __aenter__(self) -> Self:
        # not under the home folder: a socket's path has room for about a hundred bytes
        self._sockets = tempfile.TemporaryDirectory(prefix="glideslope-")
        try:
            await self.start(*self._services)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._leave()

    async def start(self, *names: str) -> None:
        """Start services and wait until they are ready."""
        for name in names:
            await self._start(name)
        waiting = {name: asyncio.create_task(self._ready(name)) for name in names}
        try:
            async with asyncio.timeout(self._ready_seconds):
                await asyncio.gather(*waiting.values())
        except TimeoutError as error:
            late = [name for name in names if not self._children[name].is_ready]
            raise NotReadyError(late, self._ready_seconds, self._logs) from error
        finally:
            for task in waiting.values():
                task.cancel()

    async def kill(self, name: str, signum: signal.Signals = signal.SIGKILL) -> int:
        """Send a service a signal, wait for its end, return its exit code. Not a death."""
        child = self._children[name]
        child.signal(signum)
        return await child.wait()

    async def died(self) -> ServiceDiedError:
        """Wait until a service ends unasked, and return what there is to say about it."""
        return await self._deaths.get()

    def kill_all(self) -> None:
        """End every service at once, without draining."""
        for child in self._children.values():
            child.signal(signal.SIGKILL)

    def pid(self, name: str) -> int:
        """Return the process id of a service."""
        return self._children[name].pid

    async def _start(self, name: str) -> None:
        self._starts += 1
        log = self._logs / f"{name}.log"
        child = Child(name, self._services[name], log, self._environment)
        await child.start(Path(self._sockets.name) / f"{name}.{self._starts}")
        self._children[name] = child
        watcher = asyncio.create_task(self._watch(child))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        self._report(StackEvent(event="started", service=name, pid=child.pid, log=str(log)))

    async def _ready(self, name: str) -> None:
        child = self._children[name]
        await child.ready()
        self._report(StackEvent(event="service_ready", service=name, note=child.status))

    async def _watch(self, child: Child) -> None:
        await child.wait()
        if not child.dismissed:
            death = child.death()
            self._report(StackEvent.of_death(death))
            self._deaths.put_nowait(death)

    async def _leave(self) -> None:
        self._report(StackEvent(event="draining"))
        running = [child for child in self._children.values() if child.exit_code is None]
        for child in running:
            child.signal(signal.SIGTERM)
        await asyncio.gather(*(self._drain(child) for child in running))
        await asyncio.gather(*self._watchers)
        self._sockets.cleanup()

    async def _drain(self, child: Child) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                code = await child.wait()
        except TimeoutError:
            child.signal(signal.SIGKILL)
            code = await child.wait()
            self.drained = False
            self._report(StackEvent(event="killed", service=child.name, exit_code=code))
        else:
            # before it is ready a service may not have learnt yet what SIGTERM means
            self.drained &= code == 0 or not child.is_ready
            self._report(StackEvent(event="drained", service=child.name, exit_code=code))
