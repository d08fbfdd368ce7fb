"""docker-compose.yml as it stands, under a name and on ports of its own."""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.compose import stand_ins
from tests.compose.engine import DockerError, Engine

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("ingest", "inference", "validator", "review", "audit")
IMAGES: Final = ("command-line", *SERVICES)
VERSION: Final = "test"
BASE: Final = "python:3.11-slim-bookworm"
_BUILT_WITHIN: Final = 1_800.0  # seconds: six images, from nothing
READY_WITHIN: Final = 420.0  # seconds: all of it starts at once, on two cores


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as `docker inspect` tells."""

    id: str
    service: str
    told: dict[str, Any]

    @property
    def health(self) -> str:
        """What its health check says, or whether it runs."""
        state = self.told["State"]
        return str(state["Health"]["Status"] if "Health" in state else state["Status"])


@dataclass(frozen=True, slots=True)
class Stack:
    """A project of Compose."""

    engine: Engine
    name: str
    arguments: tuple[str, ...]
    settings: dict[str, str]

    @property
    def bootstrap(self) -> str:
        """The address of Kafka as this machine sees it."""
        return f"localhost:{self.settings['PUBLISH_KAFKA']}"

    def compose(self, *arguments: str, within: float = 180.0) -> str:
        """Run `docker compose` and return its standard output. Raises `DockerError`."""
        given = ("--project-directory", str(ROOT), "--project-name", self.name, *self.arguments)
        return self.engine.docker("compose", *given, *arguments, within=within, **self.settings)

    def containers(self) -> list[Container]:
        """Return the project's containers, those that have ended too."""
        label = f"label=com.docker.compose.project={self.name}"
        ids = self.engine.docker("ps", "--all", "--quiet", "--filter", label).split()
        return [
            Container(told["Id"], told["Config"]["Labels"]["com.docker.compose.service"], told)
            for told in json.loads(self.engine.docker("inspect", *ids) if ids else "[]")
        ]

    def of(self, service: str) -> Container:
        """Return the one container of a service."""
        (found,) = [each for each in self.containers() if each.service == service]
        return found

    def until_healthy(self, services: Sequence[str]) -> None:
        """Wait for the health checks of these services' containers."""
        give_up = time.monotonic() + READY_WITHIN
        while True:
            states = {each.service: each.health for each in self.containers()}
            if all(states.get(service) == "healthy" for service in services):
                return
            if time.monotonic() > give_up:
                logs = self.compose("logs", "--tail", "40", *services)
                raise TimeoutError(f"not healthy: {states}\n{logs}")
            time.sleep(1)

    def python(self, service: str, code: str) -> Any:
        """Run code in a service's container, and return what it prints as JSON."""
        return json.loads(self.engine.docker("exec", self.of(service).id, "python", "-c", code))


def cache() -> Path:
    """Return the folder of what is made once: an engine's images, Debian's Compose."""
    given = os.environ.get("GLIDESLOPE_CACHE") or Path.home() / ".cache" / "glideslope"
    return Path(given) / "docker"


def built(engine: Engine) -> Stack:
    """Build every image, on stand-ins where no registry answers. Raises `NoEngineError`."""
    name = f"glideslope-test-{secrets.token_hex(3)}"
    arguments = ["--env-file", "deploy/compose/s3.env", "-f", "docker-compose.yml"]
    ports = ("PUBLISH_KAFKA", "PUBLISH_REVIEW", "PUBLISH_PROMETHEUS")
    settings = {
        "IMAGE_BASE": BASE,
        "IMAGE_VERSION": VERSION,
        **dict(zip(ports, _free_ports(len(ports)), strict=True)),
    }
    if not engine.has(BASE):
        stand_ins.build(engine)
        arguments += ["-f", "tests/compose/stand-ins.yml"]
        settings["IMAGE_BASE"] = stand_ins.PYTHON
    stack = Stack(engine, name, (*arguments, "--profile", "s3"), settings)
    stack.compose("build", "--quiet", "secrets", *SERVICES, within=_BUILT_WITHIN)
    return stack


@contextmanager
def up(stack: Stack) -> Iterator[None]:
    """Start all of it, and wait until it is healthy; take it away at the end."""
    try:
        try:
            stack.compose("up", "--detach", "--no-build", "--wait", within=READY_WITHIN)
        except DockerError as error:
            logs = stack.compose("logs", "--tail", "30")
            raise DockerError(f"{error}\n{logs}") from error
        stack.until_healthy(SERVICES)
        yield
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--timeout", "5")


def _free_ports(count: int) -> list[str]:
    """Return ports that differ: each is held until all are found."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(each.getsockname()[1]) for each in taken]
