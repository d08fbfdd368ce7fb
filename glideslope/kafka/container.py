"""Apache Kafka in a container, from the project's own image, where a Docker engine answers."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from glideslope.kafka.errors import WayClosedError
from glideslope.kafka.runtime import (
    Progress,
    format_arguments,
    kafka_version,
    serve_arguments,
)

_JARS: Final = "/opt/kafka/libs"  # where the image has them
_FOLDER: Final = "/glideslope"  # where the broker's folder is mounted
# Of a silent engine, Docker 20.10 (Debian 12) has no version: asking for it fails with a complaint
# about the template, in place of the reason.
_ENGINE: Final = (
    '{{if .ServerErrors}}{{join .ServerErrors " "}}'
    "{{else}}{{.ServerVersion}} {{.SecurityOptions}}{{end}}"
)
_ANSWERS_WITHIN: Final = 15.0  # seconds, for an engine that is there
_PULLED_WITHIN: Final = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Container:
    """A Docker engine that has the image. `rootless`: its root is this user."""

    image: str
    rootless: bool
    # All of the container's own interfaces; it is published on this machine's loopback only.
    listen_on: str = "0.0.0.0"  # noqa: S104 - as said

    def format(self, folder: Path, cluster_id: str) -> list[str]:
        """Return the command that prepares an empty data folder."""
        return [*self._run(folder), self.image, *format_arguments(_JARS, cluster_id)]

    def serve(self, folder: Path, bootstrap_servers: str) -> list[str]:
        """Return the command that runs the broker in the foreground until SIGTERM."""
        port = bootstrap_servers.rpartition(":")[2]
        publish = ["--publish", f"{bootstrap_servers}:{port}"]
        return [*self._run(folder), *publish, self.image, *serve_arguments(_JARS)]

    def clear(self, folder: Path) -> None:
        """Remove the container of a broker whose `docker run` was killed."""
        _docker("rm", "--force", _name(folder))

    def kill(self, folder: Path, pid: int) -> None:
        """End the broker at once; `pid`, its `docker run`, ends with it."""
        del pid
        _docker("kill", _name(folder))

    def _run(self, folder: Path) -> list[str]:
        as_user = [] if self.rootless else ["--user", f"{os.getuid()}:{os.getgid()}"]
        return [
            *("docker", "run", "--rm", "--name", _name(folder)),
            *("--volume", f"{folder}:{_FOLDER}", "--workdir", _FOLDER),
            *as_user,
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--entrypoint", "java"),
        ]


def prepare(environment: Mapping[str, str], progress: Progress) -> Container:
    """Find the engine, and pull the image unless it is there. Raises `WayClosedError`."""
    del environment  # the docker client reads its own
    image = f"apache/kafka:{kafka_version()}"
    security = _engine()
    if _docker("image", "inspect", image).returncode != 0:
        progress(f"pulling {image} (only once)")
        pulled = _docker("pull", "--quiet", image, timeout=_PULLED_WITHIN)
        if pulled.returncode != 0:
            reason = f"`docker pull {image}` failed: {_last_line(pulled.stderr)}"
            raise _closed(reason, f"Give Docker the image: `docker pull {image}`")
    return Container(image, rootless="rootless" in security)


def _engine() -> str:
    """Return the engine's security options."""
    start = (
        "Start Docker: `sudo apt-get install docker.io && sudo systemctl start docker` on Debian, "
        "`open -a Docker` on macOS"
    )
    try:
        info = _docker("info", "--format", _ENGINE)
    except FileNotFoundError:
        raise _closed("there is no `docker` command", start) from None
    if info.returncode != 0 or not re.match(r"\d", info.stdout):
        raise _closed(f"no Docker engine answers: {_last_line(info.stderr or info.stdout)}", start)
    return info.stdout


def _closed(reason: str, remedy: str) -> WayClosedError:
    return WayClosedError("A container", reason, remedy)


def _docker(*arguments: str, timeout: float = _ANSWERS_WITHIN) -> subprocess.CompletedProcess[str]:
    """Run the docker client; one that takes too long has failed."""
    command = ["docker", *arguments]
    try:
        return subprocess.run(  # noqa: S603 - arguments are passed as they are, no shell
            command, capture_output=True, text=True, check=False, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {timeout:.0f} s")


def _name(folder: Path) -> str:
    """Name the container after its folder, so that a later start finds what was left."""
    return f"glideslope-kafka-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
