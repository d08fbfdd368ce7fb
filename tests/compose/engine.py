"""A Docker engine with Compose: this machine's own, or one that is started for the tests."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_OLDEST_COMPOSE: Final = (2, 24)  # `!reset` in a file that is laid over another
_STARTED_WITHIN: Final = 60.0  # seconds
_LEASH: Final = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
_PLUGINS: Final = ("docker-compose", "docker-buildx")
_SUITE: Final = "trixie"  # Debian's first with Compose 2
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR: Final = "http://deb.debian.org/debian"


class NoEngineError(Exception):
    """Nothing here runs containers; the message says what is missing."""


class DockerError(Exception):
    """A docker command failed."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The docker client, with what it needs in its environment."""

    environment: Mapping[str, str] = field(default_factory=dict)

    def docker(self, *arguments: str | Path, within: float = 120.0, **settings: str) -> str:
        """Run the client and return its standard output. Raises `DockerError`."""
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, "DOCKER_BUILDKIT": "1", **self.environment, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if done.returncode:
            raise DockerError(f"{done.args}: {done.stdout[-3_000:]}\n{done.stderr[-6_000:]}")
        return done.stdout

    def has(self, image: str) -> bool:
        """Whether the image is here, or a registry gives it."""
        for ask in (("image", "inspect", image), ("pull", "--quiet", image)):
            try:
                self.docker(*ask, within=600.0)
            except DockerError:
                continue
            return True
        return False


@contextmanager
def an_engine(cache: Path) -> Iterator[Engine]:
    """Yield an engine; one that is started here ends here, and keeps its images in `cache`.

    Raises `NoEngineError`.
    """
    if shutil.which("docker") is None:
        raise NoEngineError("there is no `docker` here (Debian: docker.io)")
    if _answers(Engine()):
        yield _with_compose(Engine(), cache)
        return
    if os.geteuid() or shutil.which("dockerd") is None:
        raise NoEngineError("no Docker engine answers, and none can be started by this user")
    with _started(cache / "engine") as engine:
        yield _with_compose(engine, cache)


def _answers(engine: Engine) -> bool:
    try:
        return bool(engine.docker("version", "--format", "{{.Server.Version}}").strip())
    except DockerError:
        return False


@contextmanager
def _started(folder: Path) -> Iterator[Engine]:
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine({"DOCKER_HOST": f"unix://{folder}/docker.sock"})
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            [
                *_LEASH,  # it ends with who started it, however that ends
                "dockerd",
                *("--host", engine.environment["DOCKER_HOST"]),
                *("--data-root", folder / "data"),
                *("--exec-root", folder / "run"),
                *("--pidfile", folder / "pid"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        give_up = time.monotonic() + _STARTED_WITHIN
        while not _answers(engine):
            if daemon.poll() is not None or time.monotonic() > give_up:
                last = (folder / "log").read_text().splitlines()[-1:]
                raise NoEngineError(f"dockerd does not start: {last}")
            time.sleep(0.5)
        yield engine
    finally:
        daemon.terminate()
        daemon.wait(60)


def _with_compose(engine: Engine, cache: Path) -> Engine:
    """Return the engine with a Compose that is new enough; Debian's, where there is none."""
    if (version := _compose(engine)) >= _OLDEST_COMPOSE:
        return engine
    configuration = cache / "client"
    fetched = Engine({**engine.environment, "DOCKER_CONFIG": str(configuration)})
    if _compose(fetched) < _OLDEST_COMPOSE:
        if shutil.which("apt-get") is None or not _KEYRING.exists():
            raise NoEngineError(f"Docker Compose 2.24 or later is needed, this is {version}")
        _unpack(configuration / "cli-plugins")
    return fetched


def _compose(engine: Engine) -> tuple[int, ...]:
    try:
        said = engine.docker("compose", "version", "--short")
    except DockerError:
        return ()
    return tuple(int(part) for part in said.strip().lstrip("v").split("-")[0].split(".")[:2])


def _unpack(plugins: Path) -> None:
    """Unpack Debian's plugins of the docker client there, and install nothing."""
    work = plugins.parent / "apt"
    (work / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    source = work / "sources.list"
    source.write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {_SUITE} main\n")
    options = {
        "Dir::Etc::sourcelist": source,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work,
        "APT::Sandbox::User": "root",
    }
    apt = [
        "apt-get",
        "-q",
        *(part for each in options.items() for part in ("-o", "=".join(map(str, each)))),
    ]
    try:
        for command in ([*apt, "update"], [*apt, "download", *_PLUGINS]):
            subprocess.run(command, cwd=work, check=True, capture_output=True, timeout=300)
        for package in work.glob("docker-*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, work], check=True, timeout=60)
    except subprocess.SubprocessError as error:
        raise NoEngineError(f"Debian's Docker Compose cannot be had: {error}") from error
    plugins.mkdir(parents=True, exist_ok=True)
    for plugin in _PLUGINS:
        shutil.move(work / "usr/libexec/docker/cli-plugins" / plugin, plugins / plugin)
    shutil.rmtree(work)
