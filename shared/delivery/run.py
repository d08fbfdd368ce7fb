"""A service as a process: signals in, exit code out."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Final, TypeVar

import stamina
import structlog
import uvloop

from shared import collector, health, logs, misconfiguration, readiness, telemetry, variables
from shared.delivery.attempts import log_retry
from shared.delivery.declaration import Service
from shared.delivery.engine import Engine
from shared.delivery.errors import FatalError
from shared.metrics import Exposition
from shared.misconfiguration import MisconfigurationError, configured
from shared.settings import Settings

S = TypeVar("S", bound=Settings)

_OPEN_FILES: Final = 65_536

log = structlog.get_logger(__name__)


def start(name: str, build: Callable[[S], Service], kind: type[S]) -> None:
    """Run the service that `build` makes of the environment's settings, as `run` does.

    Where they are wrong the log says of each what it must be, and the exit code is 2. A variable
    that nothing reads is warned of.
    """
    logs.configure(name, Settings.model_construct())
    try:
        settings = configured(kind)
        logs.configure(name, settings)
        service = build(settings)
    except MisconfigurationError as error:
        for each in error.objections:
            log.critical("stopped", error=each, kind=type(error).__name__)
        sys.exit(misconfiguration.EXIT_CODE)
    finally:
        for line in variables.warnings(os.environ):
            log.warning("unknown variable", advice=line)
    run(service)


def run(service: Service) -> None:
    """Run `service` until SIGTERM or SIGINT drains it (exit code 0) or it cannot go on.

    The exit code is then that of the `FatalError`, 1 for anything else.
    """
    # a core file would hold the keys and passwords that this process has
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allow_open_files()
    telemetry.configure(service.name, service.settings)
    stamina.instrumentation.set_on_retry_hooks([log_retry])
    exposition = Exposition(service.name, service.settings)
    try:
        # docs/adr/0007: a hop's p95 is half of that on asyncio's own loop
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_run(service, exposition))
    finally:
        exposition.close()
        telemetry.shut_down()
    sys.exit(code)


async def _run(service: Service, exposition: Exposition) -> int:
    engine = Engine(service, exposition.metrics)
    settings = service.settings
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    try:
        async with health.serving(
            settings.health_host, settings.health_port, exposition, engine.not_ready
        ) as url:
            log.info("health", url=url)
            readiness.notify(f"STATUS=health: {url}")
            await engine.run(ready=_ready)
    except Exception as error:  # noqa: BLE001 - the process ends here, and says why
        log.critical("stopped", service=service.name, error=str(error), kind=type(error).__name__)
        return error.exit_code if isinstance(error, FatalError) else 1
    log.info("drained", service=service.name)
    return 0


def allow_open_files() -> None:
    """Raise this process's limit of open files as far as it may, to 65,536 at the most.

    Each input partition has a producer of its own with its own connections, and audit reads the
    partitions of every topic: with 24 of each it has a thousand files open, where 1,024 is usual.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _ready() -> None:
    # What was imported stays for good: looking through it again stalls every handler for tens of
    # milliseconds, each time that the collector comes to the oldest generation.
    gc.collect()
    gc.freeze()
    collector.look_seldom()
    readiness.notify("READY=1")
