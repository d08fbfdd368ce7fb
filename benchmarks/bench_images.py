"""Each image: its size, and how long a container of it takes to be ready."""

import json
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.compose.engine import Engine, an_engine
from tests.compose.stack import IMAGES, SERVICES, VERSION, Stack, built, cache, up

_ROUNDS: Final = 5
_READY_SECONDS: Final = 120.0
_MEGABYTE: Final = 1_000_000


def main() -> None:
    """Print sizes, and medians over five starts with everything else of docker-compose.yml up.

    A start is from `docker start` to the first 200 of `/readyz`: process, imports, Kafka, index,
    log. What it reads is in the page cache. The command line's is `--help`, in a new container.
    """
    with an_engine(cache()) as engine:
        stack = built(engine)
        base = stack.settings["IMAGE_BASE"]
        figures: dict[str, dict[str, float]] = {
            image: {"size_mb": _size(engine, f"glideslope-{image}:{VERSION}")} for image in IMAGES
        }
        figures["base"] = {"size_mb": _size(engine, base)}
        with up(stack):
            for service in SERVICES:
                figures[service]["ready_s"] = _median(partial(_start, stack, service))
            run = ("run", "--rm", "--network", "none")
            help_ = (*run, f"glideslope-command-line:{VERSION}", "--help")
            figures["command-line"]["ready_s"] = _median(partial(_timed, engine, *help_))
            bare = (*run, base, "python3", "-c", "pass")
            figures["base"]["ready_s"] = _median(partial(_timed, engine, *bare))
    ground = figures["base"]
    print("| image | size, MB | of it ours | ready, s | a bare Python's start, times |")
    print("|---|---|---|---|---|")
    for name, said in figures.items():
        said["own_mb"] = round(said["size_mb"] - ground["size_mb"], 1)
        said["times_bare"] = round(said["ready_s"] / ground["ready_s"], 1)
        print(
            f"| {name} | {said['size_mb']} | {said['own_mb']} | {said['ready_s']} "
            f"| {said['times_bare']} |"
        )
    print(json.dumps({"base": base, **figures}))


def _size(engine: Engine, image: str) -> float:
    told = engine.docker("image", "inspect", "--format", "{{.Size}}", image)
    return round(int(told) / _MEGABYTE, 1)


def _median(start: Callable[[], float]) -> float:
    return round(statistics.median(start() for _ in range(_ROUNDS)), 2)


def _timed(engine: Engine, *command: str) -> float:
    started = time.monotonic()
    engine.docker(*command)
    return time.monotonic() - started


def _start(stack: Stack, service: str) -> float:
    """Stop the service's container and start it; return the seconds until it is ready."""
    container = stack.of(service).id
    stack.engine.docker("stop", container)
    started = time.monotonic()
    stack.engine.docker("start", container)
    networks: dict[str, Any] = stack.of(service).told["NetworkSettings"]["Networks"]
    address = next(each["IPAddress"] for name, each in networks.items() if "pipeline" in name)
    while time.monotonic() < started + _READY_SECONDS:
        try:
            with urllib.request.urlopen(f"http://{address}:8080/readyz", timeout=5):
                return time.monotonic() - started
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise TimeoutError(f"{service} is not ready")


if __name__ == "__main__":
    main()
