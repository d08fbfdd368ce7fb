"""A Kafka cluster to work with: the one that is given, or a local broker of one node.

Three ways, tried in this order:

1. `KAFKA_BOOTSTRAP_SERVERS` is set: that cluster; nothing is started or stopped.
2. A Docker engine answers and has or can pull `apache/kafka`: a container.
3. Java is here: the same Apache Kafka on this machine's JVM, fetched by Maven once.

`GLIDESLOPE_KAFKA` (`auto`, `container`, `jvm`) may insist on the second or the third.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glideslope.kafka.broker import Broker
from glideslope.kafka.errors import (
    AlreadyRunningError,
    BrokerDiedError,
    LocalKafkaError,
    NoKafkaError,
    NotOurBrokerError,
    WayClosedError,
)
from glideslope.kafka.folder import Folder
from glideslope.kafka.runtime import Progress
from glideslope.kafka.ways import openings

__all__ = [
    "AlreadyRunningError",
    "Broker",
    "BrokerDiedError",
    "Cluster",
    "LocalKafkaError",
    "NoKafkaError",
    "NotOurBrokerError",
    "WayClosedError",
    "local_kafka",
    "running_at",
]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answers at `bootstrap_servers`, as long as the context that gave it."""

    bootstrap_servers: str
    started: Broker | None
    """The broker that was started for it; None when the cluster was given."""

    @property
    def broker(self) -> Broker:
        """The broker, to stop, kill or restart it. Raises `NotOurBrokerError`."""
        if self.started is None:
            raise NotOurBrokerError(self.bootstrap_servers)
        return self.started


def to_stderr(line: str) -> None:
    """Show a progress line on standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - it is what a person waits with


@contextmanager
def local_kafka(
    home: Path,
    *,
    progress: Progress = to_stderr,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """Give a Kafka cluster; a broker that was started for it is stopped at the end.

    The broker's data, log and settings are in `home`/kafka, and outlast it. It listens on loopback
    only. Blocks while it starts: about 3 s, and the fetching the first time. Raises
    `LocalKafkaError`, of which `NoKafkaError` names what can be done about it.
    """
    environment = os.environ if environment is None else environment
    if given := environment.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield Cluster(given, started=None)
        return
    folder = Folder(home)
    with folder.locked() as lock:
        broker = _started(folder, lock, environment, progress)
        try:
            yield Cluster(broker.bootstrap_servers, started=broker)
        finally:
            broker.stop()


def running_at(home: Path) -> str | None:
    """Return the bootstrap address of the broker that some process runs on `home`, or None."""
    return Folder(home).running_at()


def _started(
    folder: Folder, lock: int, environment: Mapping[str, str], progress: Progress
) -> Broker:
    closed: list[WayClosedError] = []
    for way in openings(environment):
        try:
            broker = Broker(folder, way.prepare(environment, progress), lock)
            broker.start()
        except WayClosedError as error:
            closed.append(error)
        except BrokerDiedError as error:
            progress(f"{way.name}: {error}")
            closed.append(WayClosedError(way.name, str(error), "Its log says why"))
        else:
            return broker
    raise NoKafkaError(closed)
