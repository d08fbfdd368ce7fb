"""One service in a process of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOG_TAIL_LINES: Final = 20
_LOG_TAIL_BYTES: Final = 64 * 1024


class ServiceDiedError(RuntimeError):
    """A service ended although nobody asked it to. `exit_code` is as a shell would give it."""

    def __init__(self, service: str, exit_code: int, log: Path, last_lines: str) -> None:
        super().__init__(
            f"service {service} ended with exit code {exit_code}. "
            f"Its last lines:\n{last_lines}\nThe whole log: {log}"
        )
        self.service = service
        self.exit_code = exit_code
        self.log = log
        self.last_lines = last_lines


class Child:
    """A process that runs one service module on a leash, and what it says about itself.

    It has a session of its own, so that a terminal's Ctrl-C reaches it only through its
    supervisor; it dies with the supervisor (see `glideslope.leash`); it reports through
    sd_notify (see `shared.readiness`); what it prints is appended to `log`. The module is that of
    the source tree `build`, else the one that this process has.
    """

    def __init__(
        self,
        name: str,
        module: str,
        log: Path,
        environment: Mapping[str, str],
        build: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.dismissed = False
        """Whether its end was asked for."""
        self.status: str | None = None
        """What it last said of itself in a sentence (sd_notify's `STATUS`)."""
        self._module = module
        self._environment = environment
        self._build = build
        self._ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it is ready."""
        return self._ready.is_set()

    @property
    def pid(self) -> int:
        """The process id. Raises `RuntimeError` before the start."""
        return self._started().pid

    async def start(self, notify_socket: Path) -> None:
        """Start the process and listen to its reports on `notify_socket`, a new path."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(str(notify_socket))
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
        asyncio.get_running_loop().add_reader(listener, self._hear, listener)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as log:
                self._log_start = log.tell()
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "glideslope.leash",
                    self._module,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**self._environment, "NOTIFY_SOCKET": str(notify_socket)},
                    cwd=self._build,  # where `python -m` looks first
                    start_new_session=True,
                )
        except BaseException:
            self._close(listener, notify_socket)
            raise
        self._exit = asyncio.create_task(self._watch(listener, notify_socket))

    async def ready(self) -> None:
        """Wait for its `READY=1`. Raises `ServiceDiedError` when it ends before."""
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, self._exit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            raise self.death()

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal; from now on its end is no surprise."""
        self.dismissed = True
        if self.exit_code is None:
            # Not the process's own `send_signal`: that looks whether it has ended, and takes its
            # exit code away before asyncio has it, which then makes one up.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    async def wait(self) -> int:
        """Wait for its end and return its exit code, 128 + n after signal n."""
        return await asyncio.shield(self._exit)

    @property
    def exit_code(self) -> int | None:
        """Its exit code, 128 + n after signal n; None while it runs."""
        code = self._started().returncode
        return 128 - code if code is not None and code < 0 else code

    def death(self) -> ServiceDiedError:
        """Describe its end, with the last lines that this run of it printed."""
        tail = last_lines(self.log, self._log_start)
        return ServiceDiedError(self.name, self.exit_code or 0, self.log, tail)

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"service {self.name} has not been started: call start() first")
        return self._process

    def _hear(self, listener: socket.socket) -> None:
        for told in listener.recv(4096).decode(errors="replace").split("\n"):
            if told == "READY=1":
                self._ready.set()
            elif told.startswith("STATUS="):
                self.status = told.removeprefix("STATUS=")

    async def _watch(self, listener: socket.socket, notify_socket: Path) -> int:
        process = self._started()
        try:
            await process.wait()
        finally:
            self._close(listener, notify_socket)
        return self.exit_code or 0

    @staticmethod
    def _close(listener: socket.socket, notify_socket: Path) -> None:
        asyncio.get_running_loop().remove_reader(listener)
        listener.close()
        notify_socket.unlink(missing_ok=True)


def last_lines(log: Path, start: int = 0) -> str:
    """Return the last lines of a log that stand after byte `start`."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - _LOG_TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_LOG_TAIL_LINES:])
