"""Apache Kafka on this machine's JVM, from the Maven artifacts that `deploy/local/pom.xml` pins."""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from glideslope.kafka.errors import WayClosedError
from glideslope.kafka.folder import DEPLOY
from glideslope.kafka.runtime import Progress, format_arguments, kafka_version, serve_arguments

_OLDEST_JAVA: Final = 17  # what Kafka 4's broker asks for
_SHOWN_EVERY: Final = 2.0  # seconds
_INSTALL: Final = (
    "Install Java 17 or later and Maven: `sudo apt-get install default-jre-headless maven` "
    "on Debian, `brew install openjdk maven` on macOS"
)


@dataclass(frozen=True, slots=True)
class Jvm:
    """A JVM and the folder of jars that it runs Kafka from."""

    java: str
    jars: Path
    version: str
    """What `java -version` says, whole: an archive of classes is good for one build of Java."""
    archive: tuple[str, ...] = ()
    """The option that reads or writes an archive of classes; see `glideslope.kafka.archive`."""
    listen_on: str = "127.0.0.1"

    def format(self, folder: Path, cluster_id: str) -> list[str]:
        """Return the command that prepares an empty data folder."""
        del folder
        return [self.java, *self.archive, *format_arguments(str(self.jars), cluster_id)]

    def serve(self, folder: Path, bootstrap_servers: str) -> list[str]:
        """Return the command that runs the broker in the foreground until SIGTERM."""
        del folder, bootstrap_servers
        return [self.java, *self.archive, *serve_arguments(str(self.jars))]

    def clear(self, folder: Path) -> None:
        """Do nothing: a JVM that was killed leaves nothing but its data."""

    def kill(self, folder: Path, pid: int) -> None:
        """End the broker at once."""
        del folder
        os.kill(pid, signal.SIGKILL)


def prepare(environment: Mapping[str, str], progress: Progress) -> Jvm:
    """Find Java, and fetch the jars unless they are cached. Raises `WayClosedError`."""
    java, version = _java(environment)
    return Jvm(java, _jars(environment, progress), version)


def _closed(reason: str) -> WayClosedError:
    return WayClosedError("The JVM", reason, _INSTALL)


def _java(environment: Mapping[str, str]) -> tuple[str, str]:
    home = environment.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else "java"
    try:
        said = subprocess.run(  # noqa: S603 - JAVA_HOME is the user's own
            [java, "-version"], capture_output=True, text=True, check=True, timeout=30
        ).stderr
    except (OSError, subprocess.SubprocessError):
        # macOS has a `java` that only says that there is none.
        raise _closed(f"`{java} -version` does not run") from None
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        raise _closed(f"`{java}` is {said.splitlines()[0]}, too old")
    return java, said[said.index(version[0]) :]


def _jars(environment: Mapping[str, str], progress: Progress) -> Path:
    pom = DEPLOY / "pom.xml"
    # Named by what it holds: a changed pom.xml gets a folder of its own, and a folder that exists
    # is complete.
    content = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    jars = _cache(environment) / "kafka" / f"{kafka_version()}-{content}"
    if jars.exists():
        return jars
    maven = shutil.which("mvn", path=environment.get("PATH"))
    if maven is None:
        raise _closed("Java is here, but `mvn` is not, and Kafka has not been fetched before")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with (jars.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars.exists():  # somebody else has just fetched them
            return jars
        with tempfile.TemporaryDirectory(dir=jars.parent) as scratch:
            fetched = Path(scratch) / "jars"
            _fetch(maven, pom, fetched, environment, progress)
            fetched.rename(jars)
    return jars


def _fetch(
    maven: str, pom: Path, into: Path, environment: Mapping[str, str], progress: Progress
) -> None:
    what = f"Apache Kafka {kafka_version()} (about 45 MB, only once)"
    progress(f"fetching {what}")
    command = [
        *(maven, "--batch-mode", "--file", str(pom)),
        *("dependency:copy-dependencies", f"-DoutputDirectory={into}"),
    ]
    said: list[str] = []
    jars, shown = 0, time.monotonic()
    with subprocess.Popen(  # noqa: S603 - Maven, as found on PATH
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(environment),
    ) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        for line in process.stdout:
            said.append(line)
            jars += bool(re.match(r"\[INFO\] Downloaded .*\.jar", line))
            if time.monotonic() - shown > _SHOWN_EVERY:
                shown = time.monotonic()
                progress(f"fetching {what}: {jars} files")
    if process.returncode != 0:
        raise _closed(f"Maven could not fetch {what}:\n{''.join(said[-10:])}")
    progress(f"fetched Apache Kafka {kafka_version()}: {len(list(into.iterdir()))} files")


def _cache(environment: Mapping[str, str]) -> Path:
    if ours := environment.get("GLIDESLOPE_CACHE"):
        return Path(ours).absolute()
    users = environment.get("XDG_CACHE_HOME")
    return (Path(users) if users else Path.home() / ".cache") / "glideslope"
