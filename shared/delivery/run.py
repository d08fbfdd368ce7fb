"""A service as a process: signals in, exit code out."""

import asyncio
import signal
import sys

import stamina
import structlog

from shared import readiness, telemetry
from shared.delivery.attempts import log_retry
from shared.delivery.declaration import Service
from shared.delivery.engine import Engine
from shared.delivery.errors import FatalError

log = structlog.get_logger(__name__)


def run(service: Service) -> None:
    """Run `service` until SIGTERM or SIGINT drains it (exit code 0) or it cannot go on.

    The exit code is then that of the `FatalError`, 1 for anything else.
    """
    telemetry.configure(service.name, service.settings)
    stamina.instrumentation.set_on_retry_hooks([log_retry])
    try:
        code = asyncio.run(_run(service))
    finally:
        telemetry.shut_down()
    sys.exit(code)


async def _run(service: Service) -> int:
    engine = Engine(service)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    try:
        await engine.run(ready=_ready)
    except Exception as error:  # noqa: BLE001 - the process ends here, and says why
        log.critical("stopped", service=service.name, error=str(error), kind=type(error).__name__)
        return error.exit_code if isinstance(error, FatalError) else 1
    log.info("drained", service=service.name)
    return 0


def _ready() -> None:
    readiness.notify("READY=1")
