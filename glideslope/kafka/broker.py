"""One local broker: started, watched, stopped, killed and restarted on the same port and data."""

import subprocess
import sys
import time
from typing import Final

from glideslope.kafka import guard
from glideslope.kafka.errors import BrokerDiedError
from glideslope.kafka.folder import Folder, new_cluster_id
from glideslope.kafka.runtime import Runtime

_READY: Final = b"Kafka Server started"  # the last line that kafka.server.KafkaRaftServer logs
_READY_WITHIN: Final = 60.0  # seconds; 3 on a laptop
_STOPPED_WITHIN: Final = 20.0  # seconds
_PORT_TAKEN: Final = ("Address already in use", "port is already allocated")
_TAIL_BYTES: Final = 16 * 1024
_TAIL_LINES: Final = 20


class Broker:
    """A broker on `folder`, whose lock the caller holds (`lock` is its descriptor).

    It ends with the process that started it, however that goes: see `glideslope.kafka.guard`.
    """

    def __init__(self, folder: Folder, runtime: Runtime, lock: int) -> None:
        self.log = folder.log
        self.bootstrap_servers = ""
        """`host:port`, the same for every start of this broker."""
        self._folder = folder
        self._runtime = runtime
        self._lock = lock
        self._log_start = 0
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the JVM, or of `docker run`; None while no broker runs."""
        return self._pid if self._guard and self._guard.poll() is None else None

    def start(self) -> None:
        """Start the broker and wait until it is ready. Raises `BrokerDiedError`."""
        if self.pid is not None:
            return
        self._runtime.clear(self._folder.path)
        if self.bootstrap_servers:  # a restart: clients know the address
            self._serve()
            return
        self.bootstrap_servers = self._folder.configure(self._runtime.listen_on)
        if not self._folder.is_formatted:
            self._format()
        try:
            self._serve()
        except BrokerDiedError as error:
            # Between the choice of a free port and its use, somebody else may have taken it.
            if not any(words in error.last_lines for words in _PORT_TAKEN):
                raise
            self.bootstrap_servers = self._folder.configure(
                self._runtime.listen_on, fresh_port=True
            )
            self._serve()

    def wait(self) -> int:
        """Wait until the broker ends by itself or is stopped, and return its exit code."""
        return self._guard.wait() if self._guard else 0

    def stop(self) -> None:
        """Let the broker shut down in order, and wait for it."""
        if self._guard is None:
            return
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe:
                pipe.close()  # the end of its input is the guard's sign to stop
        self._guard.wait()
        self._guard = None

    def kill(self) -> None:
        """End the broker as a power cut would, and wait until it is gone."""
        if (pid := self.pid) is not None:
            self._runtime.kill(self._folder.path, pid)
        self.stop()

    def restart(self) -> None:
        """Stop the broker if it runs, and start it on the same port and data."""
        self.stop()
        self.start()

    def _format(self) -> None:
        cluster_id = new_cluster_id()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            done = subprocess.run(  # noqa: S603 - the runtime's own command
                self._runtime.format(self._folder.path, cluster_id),
                cwd=self._folder.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise self._died(f"formatting the broker's data failed ({done.returncode})")

    def _serve(self) -> None:
        command = self._runtime.serve(self._folder.path, self.bootstrap_servers)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._guard = subprocess.Popen(  # noqa: S603 - the runtime's own command
                [sys.executable, "-I", "-S", guard.__file__, str(_STOPPED_WITHIN), *command],
                cwd=self._folder.path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[self._lock],
                start_new_session=True,  # a terminal's Ctrl-C is for the starter alone
            )
        assert self._guard.stdout is not None  # noqa: S101 - PIPE was asked for
        try:
            self._pid = int(self._guard.stdout.readline() or -1)
            self._await_ready(self._guard)
        except BaseException:
            self.stop()
            raise

    def _await_ready(self, running: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while _READY not in self._said():
            if running.poll() is not None:
                raise self._died(f"the broker ended with exit code {running.returncode}")
            if time.monotonic() > deadline:
                raise self._died(f"the broker was not ready after {_READY_WITHIN:.0f} s")
            time.sleep(0.05)
        if not self._folder.answers():  # a container engine on another machine
            raise self._died(f"the broker runs, but not at {self.bootstrap_servers}")

    def _said(self) -> bytes:
        """Return what this run of the broker has logged."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read()

    def _died(self, what: str) -> BrokerDiedError:
        lines = self._said()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
        return BrokerDiedError(what, self.log, "\n".join(lines[-_TAIL_LINES:]))
