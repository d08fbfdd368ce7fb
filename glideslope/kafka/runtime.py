"""What a broker runs on: the container engine or this machine's JVM."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from glideslope.kafka.folder import DEPLOY

Progress = Callable[[str], None]
"""Takes a line that tells a person what is being waited for."""

_JVM_OPTIONS: Final = (
    "-Xms128m",
    "-Xmx512m",  # a laptop's broker; Kafka's own default is 1 GiB
    "-XX:+UseSerialGC",  # for so small a heap; G1 starts threads for machines that are larger
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)


class Runtime(Protocol):
    """Turns 'format the data' and 'serve' into commands, run in the broker's folder."""

    @property
    def listen_on(self) -> str:
        """The address that the broker listens on; loopback as seen from this machine."""

    def format(self, folder: Path, cluster_id: str) -> list[str]:
        """Return the command that prepares an empty data folder."""

    def serve(self, folder: Path, bootstrap_servers: str) -> list[str]:
        """Return the command that runs the broker in the foreground until SIGTERM."""

    def clear(self, folder: Path) -> None:
        """Remove what a killed broker may have left behind."""

    def kill(self, folder: Path, pid: int) -> None:
        """End the broker at once, as a power cut would."""


def format_arguments(jars: str, cluster_id: str) -> list[str]:
    """Return what follows `java` to format the data folder."""
    return [
        "-XX:TieredStopAtLevel=1",  # over before a second compiler would pay
        *_java_arguments(jars),
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "--cluster-id",
        cluster_id,
        "--config",
        "server.properties",
    ]


def serve_arguments(jars: str) -> list[str]:
    """Return what follows `java` to run the broker."""
    return [*_java_arguments(jars), "kafka.Kafka", "server.properties"]


@cache
def kafka_version() -> str:
    """Return the version of Apache Kafka that `deploy/local/pom.xml` pins."""
    found = re.search(r"<kafka\.version>(.+)</kafka\.version>", (DEPLOY / "pom.xml").read_text())
    if found is None:
        raise ValueError(f"{DEPLOY / 'pom.xml'} names no <kafka.version>: put it back")
    return found[1]


def _java_arguments(jars: str) -> list[str]:
    return [*_JVM_OPTIONS, "-cp", f"{jars}/*"]
