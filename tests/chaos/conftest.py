"""Chaos: the delivery engine on real Kafka, while everything around it is killed, frozen and cut.

A short selection runs with the other tests. `make chaos` (`GLIDESLOPE_CHAOS=full`) runs all of it,
and more of each. `GLIDESLOPE_CHAOS_SEED` repeats the choices of a failed test; what the operating
system and the network did in between, nothing can. With `GLIDESLOPE_CHAOS_TRANSACTION_VERSION=1`
brokers are formatted to work as those before Kafka 4.0 (docs/adr/0035).
"""

import os
import random
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from glideslope.kafka import Broker, WayClosedError, archive
from glideslope.kafka.folder import Folder
from glideslope.kafka.jvm import Jvm
from glideslope.kafka.runtime import Runtime
from shared.settings import Settings
from tests.chaos.proxy import ADDING, Api
from tests.conftest import delete_topics

FULL = os.environ.get("GLIDESLOPE_CHAOS") == "full"
TRANSACTION_VERSION = os.environ.get("GLIDESLOPE_CHAOS_TRANSACTION_VERSION")
SENT = [api for api in Api if TRANSACTION_VERSION is not None or api not in ADDING]
"""The requests that make up a transaction on these brokers."""
only_full = pytest.mark.skipif(not FULL, reason="a part of `make chaos` only")


@pytest.fixture
def chance() -> random.Random:
    """The test's random choices; its seed is printed."""
    seed = int(os.environ.get("GLIDESLOPE_CHAOS_SEED", random.randrange(2**32)))
    print(f"GLIDESLOPE_CHAOS_SEED={seed}")
    return random.Random(seed)


@dataclass(frozen=True, slots=True)
class BrittleBroker:
    """A broker that a test may kill, and a second listener of it that leads to a proxy.

    Who bootstraps at 127.0.0.1:`proxy_port` is sent there for everything; the proxy forwards to
    `behind_proxy`.
    """

    broker: Broker
    behind_proxy: str
    proxy_port: int

    @property
    def direct(self) -> str:
        return self.broker.bootstrap_servers

    @property
    def proxied(self) -> str:
        return f"127.0.0.1:{self.proxy_port}"


def free_ports() -> tuple[int, int]:
    """Return two free ports, neither ephemeral nor of those that brokers choose from."""
    free: list[int] = []
    while len(free) < 2:
        port = random.randrange(30_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
    return free[0], free[1]


class ProxiedFolder(Folder):
    """Settings of a broker with one more listener, which advertises a port that a proxy takes."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.listens, self.advertises = free_ports()

    def configure(self, listen_on: str, *, fresh_port: bool = False) -> str:
        address = super().configure(listen_on, fresh_port=fresh_port)
        lines = self.settings.read_text().splitlines()
        told = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
        for name, added in {
            "listeners": f"PROXIED://127.0.0.1:{self.listens}",
            "advertised.listeners": f"PROXIED://127.0.0.1:{self.advertises}",
            "listener.security.protocol.map": "PROXIED:PLAINTEXT",
        }.items():
            lines.append(
                f"{name}={told[name]},{added}"
            )  # of a setting given twice, the last counts
        self.settings.write_text("\n".join(lines) + "\n")
        return address


@pytest.fixture(scope="module")
def brittle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrittleBroker]:
    """One broker for a module's tests, which may break it; each leaves it running."""
    folder = ProxiedFolder(tmp_path_factory.mktemp("brittle"))
    with folder.locked() as lock:
        broker = Broker(folder, process_runtime(), lock)
        broker.start()
        try:
            yield BrittleBroker(broker, f"127.0.0.1:{folder.listens}", folder.advertises)
        finally:
            broker.stop()


def process_runtime() -> Runtime:
    """Return what runs a broker as a process of this machine, which takes signals."""
    try:
        jvm = archive.prepare(os.environ, print)
    except WayClosedError as closed:
        pytest.skip(str(closed))
    return jvm if TRANSACTION_VERSION is None else Formatted.as_before(jvm)


@dataclass(frozen=True, slots=True)
class Formatted(Jvm):
    """A JVM that formats a cluster for `TRANSACTION_VERSION`."""

    @classmethod
    def as_before(cls, jvm: Jvm) -> "Formatted":
        return cls(**{field.name: getattr(jvm, field.name) for field in fields(jvm)})

    def format(self, folder: Path, cluster_id: str) -> list[str]:
        feature = f"transaction.version={TRANSACTION_VERSION}"
        return [*Jvm.format(self, folder, cluster_id), "--feature", feature]


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings for topics and state that no other test touches.

    On the brittle broker where the test asks for it, else on that of all tests; but a cluster that
    is given will hardly take sessions as short as these tests need, and that of all tests has the
    newest features.
    """
    ours = TRANSACTION_VERSION is not None or "KAFKA_BOOTSTRAP_SERVERS" in os.environ
    if ours or "brittle" in request.fixturenames:
        bootstrap = request.getfixturevalue("brittle").direct
    else:
        bootstrap = request.getfixturevalue("bootstrap")
    prefix = f"c-{secrets.token_hex(4)}."
    yield Settings(bootstrap_servers=bootstrap, topic_prefix=prefix, home=tmp_path, partitions=2)
    delete_topics(bootstrap, prefix)
