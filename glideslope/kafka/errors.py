"""What can go wrong with the local broker, and what to do about it.

LocalKafkaError
├── NoKafkaError          none of the three ways to a broker is open
├── WayClosedError        one of them is not: why, and the command that opens it
├── AlreadyRunningError   another process runs a broker on the same data
├── BrokerDiedError       the broker ended, or did not get ready
└── NotOurBrokerError     a given cluster was asked to stop or restart
"""

from collections.abc import Sequence
from pathlib import Path


class LocalKafkaError(Exception):
    """The local broker cannot be had, or not in this way."""


class WayClosedError(LocalKafkaError):
    """One way to a broker is closed here. `reason` says why, `remedy` is what opens it."""

    def __init__(self, way: str, reason: str, remedy: str) -> None:
        super().__init__(f"{way}: {reason}. {remedy}")


class NoKafkaError(LocalKafkaError):
    """Kafka is neither given, nor in a container, nor on the JVM."""

    def __init__(self, closed: Sequence[WayClosedError]) -> None:
        reasons = "".join(f"\n  - {way}" for way in closed)
        super().__init__(
            "no Apache Kafka to work with; any one of these gives one:"
            "\n  - A cluster of yours: KAFKA_BOOTSTRAP_SERVERS is not set. "
            "Set it: export KAFKA_BOOTSTRAP_SERVERS=host:9092"
            f"{reasons}"
        )


class HomeError(LocalKafkaError):
    """The folder for local state cannot be made."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be made ({error.strerror}): set GLIDESLOPE_HOME to a folder that can"
        )


class AlreadyRunningError(LocalKafkaError):
    """Another process holds the broker's folder."""

    def __init__(self, folder: Path, owner: str) -> None:
        super().__init__(
            f"a broker already runs on {folder} ({owner}): stop it, use it by setting "
            "KAFKA_BOOTSTRAP_SERVERS, or give this one a folder of its own with GLIDESLOPE_HOME"
        )


class BrokerDiedError(LocalKafkaError):
    """The broker ended or did not get ready. `last_lines` is the end of its log."""

    def __init__(self, what: str, log: Path, last_lines: str) -> None:
        super().__init__(f"{what}. Its last lines:\n{last_lines}\nThe whole log: {log}")
        self.last_lines = last_lines


class NotOurBrokerError(LocalKafkaError):
    """Only a broker that was started here can be stopped here."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(
            f"the cluster at {bootstrap_servers} was given by KAFKA_BOOTSTRAP_SERVERS and is not "
            "started, stopped or restarted from here: unset it to have a local broker"
        )
