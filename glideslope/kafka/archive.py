"""The classes of a running broker, parsed once and kept: a third of its start (JEP 350).

Java writes such an archive when a program ends. The first time that a machine needs a broker on
its JVM, one is started and stopped for that alone; every later one reads what it has left.
"""

import fcntl
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from glideslope.kafka import jvm
from glideslope.kafka.broker import Broker
from glideslope.kafka.errors import BrokerDiedError
from glideslope.kafka.folder import Folder
from glideslope.kafka.jvm import Jvm
from glideslope.kafka.runtime import Progress


def prepare(environment: Mapping[str, str], progress: Progress) -> Jvm:
    """Find Java and Kafka's jars, and record the archive unless it is cached.

    A broker starts without the archive too: where none could be recorded, `progress` is told, and
    the next start tries again. Raises `WayClosedError`.
    """
    bare = jvm.prepare(environment, progress)
    build = hashlib.sha256(bare.version.encode()).hexdigest()[:12]
    archive = bare.jars.parent / f"{bare.jars.name}-{build}.jsa"
    if not archive.exists():
        with (archive.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not archive.exists():
                progress("preparing Apache Kafka (a few seconds, only once)")
                _record(bare, archive, progress)
    if not archive.exists():
        return bare
    return replace(bare, archive=(f"-XX:SharedArchiveFile={archive}",))


def _record(bare: Jvm, archive: Path, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        recorded = Path(scratch) / archive.name
        folder = Folder(Path(scratch))
        with folder.locked() as lock:
            option = f"-XX:ArchiveClassesAtExit={recorded}"
            recording = _Recording(bare.java, bare.jars, bare.version, (option,))
            broker = Broker(folder, recording, lock)
            try:
                broker.start()
            except BrokerDiedError as error:
                progress(f"Apache Kafka starts slower than it could: {error}")
                return
            broker.stop()
        if recorded.exists():
            recorded.rename(archive)  # whole at once, whoever else looks
        else:
            progress("Apache Kafka starts slower than it could: Java left no archive of classes")


class _Recording(Jvm):
    """Formats without an archive, and writes one when the broker ends."""

    def format(self, folder: Path, cluster_id: str) -> list[str]:
        return Jvm(self.java, self.jars, self.version).format(folder, cluster_id)
