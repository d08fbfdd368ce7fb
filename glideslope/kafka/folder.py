"""The broker's folder: its data, log and settings, and the lock that one broker holds on it."""

import base64
import contextlib
import fcntl
import os
import random
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from glideslope.kafka.errors import AlreadyRunningError, HomeError

DEPLOY: Final = Path(__file__).parents[2] / "deploy" / "local"
"""The parts that the local broker is made of: pom.xml and the files that every broker shares."""

# Below the ephemeral ports of Linux (32768) and macOS (49152). On one of those, a client that
# reconnects while the broker is down may be given the very port it is calling, connect to itself,
# and keep the broker from coming back.
_PORTS: Final = range(20_000, 30_000)

_LOOPBACK: Final = "127.0.0.1"
_OWNER_ENDS_WITHIN: Final = 30.0  # seconds; a guard stops its broker within its grace period


class Folder:
    """`kafka` under the home of this deployment."""

    def __init__(self, home: Path) -> None:
        self.path = home.absolute() / "kafka"
        self.log = self.path / "broker.log"
        self.settings = self.path / "server.properties"
        self._address = self.path / "address"

    @property
    def is_formatted(self) -> bool:
        """Whether a broker's data is here already."""
        return (self.path / "data" / "meta.properties").exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the folder; gives the lock's file descriptor, for the broker to inherit.

        The lock is free when every process that has the descriptor is gone, so a broker that is
        still stopping keeps it. Raises `AlreadyRunningError`.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(self.path, error) from error
        with (self.path / "lock").open("a+") as lock:
            deadline = time.monotonic() + _OWNER_ENDS_WITHIN
            while not _try_lock(lock.fileno()):
                lock.seek(0)
                owner = lock.read().strip()
                # An owner that was killed leaves a broker that its guard is stopping: wait for it.
                if _is_alive(owner) or time.monotonic() > deadline:
                    raise AlreadyRunningError(self.path, f"process {owner}")
                time.sleep(0.05)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield lock.fileno()

    def running_at(self) -> str | None:
        """Return the bootstrap address of the broker that runs on this folder, or None."""
        try:
            with (self.path / "lock").open() as lock:
                if _try_lock(lock.fileno()):
                    return None  # nobody holds it
        except FileNotFoundError:
            return None
        return self._address.read_text() if self.answers() else None

    def answers(self) -> bool:
        """Whether something listens at the address of the last start."""
        port = self._last_port()
        if port is None:
            return False
        try:
            socket.create_connection((_LOOPBACK, port), timeout=1).close()
        except OSError:
            return False
        return True

    def configure(self, listen_on: str, *, fresh_port: bool = False) -> str:
        """Write the broker's settings and return its bootstrap address.

        The last address is taken again if it is free, unless a `fresh_port` is asked for.
        """
        port = _free_port(None if fresh_port else self._last_port())
        controller = _free_port(besides=port)
        address = f"{_LOOPBACK}:{port}"
        self.settings.write_text(
            (DEPLOY / "server.properties").read_text()
            + f"\nlisteners=PLAINTEXT://{listen_on}:{port},CONTROLLER://{_LOOPBACK}:{controller}"
            + f"\nadvertised.listeners=PLAINTEXT://{address}"
            + f"\ncontroller.quorum.voters=1@{_LOOPBACK}:{controller}\n"
        )
        shutil.copyfile(DEPLOY / "log4j2.properties", self.path / "log4j2.properties")
        self._address.write_text(address)
        return address

    def _last_port(self) -> int | None:
        try:
            found = re.search(r":(\d+)$", self._address.read_text())
        except FileNotFoundError:
            return None
        return int(found[1]) if found else None


def new_cluster_id() -> str:
    """Return a random cluster id as Kafka writes them: a UUID in unpadded URL-safe Base64."""
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):  # would be read as an option
            return cluster_id


def _free_port(wanted: int | None = None, besides: int | None = None) -> int:
    candidates = random.sample(_PORTS, 100)
    for port in [wanted, *candidates] if wanted else candidates:
        if port != besides and _is_free(port):
            return port
    raise OSError(f"none of 100 ports tried in {_PORTS.start}-{_PORTS.stop} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the broker will: a port whose last connections still wait to be forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
        return True


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
