"""What a process says about itself over HTTP: `/livez`, `/readyz` and `/metrics`.

- `/livez`: 200 while the event loop turns. The server lives in that same loop on purpose: while a
  handler blocks it, nothing answers, and the caller's timeout is the signal. The answer says how
  late the loop was at the worst in the last ten seconds, so that a block that is over shows too.
- `/readyz`: 200, or 503 with every reason in JSON.
- `/metrics`: for Prometheus.

starlette on uvicorn: both are small, pure Python and well kept, and importing them takes a third
of the time that aiohttp takes, for every start of every service.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared import web
from shared.metrics import LOOP_DELAY, Exposition, Metrics

_BEAT_SECONDS: Final = 0.1
_REMEMBERED_BEATS: Final = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a process is not ready. `about` names the dependency or partition, if it is about one."""

    code: str
    message: str
    about: str | None = None


class HealthAddressError(OSError):
    """The address is taken, or not this machine's."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        super().__init__(
            f"cannot serve health on {host}:{port} ({error.strerror or error}): set "
            "GLIDESLOPE_HEALTH_PORT to a free port, or to 0 for any, and GLIDESLOPE_HEALTH_HOST "
            "to an address of this machine"
        )


class Heartbeat:
    """Measures, ten times a second, how late the event loop is."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._delays: deque[float] = deque([0.0], maxlen=_REMEMBERED_BEATS)

    @property
    def worst_delay(self) -> float:
        """The longest delay of the last ten seconds, in seconds."""
        return max(self._delays)

    async def beat(self) -> None:
        """Beat until cancelled."""
        while True:
            due = time.monotonic() + _BEAT_SECONDS
            await asyncio.sleep(_BEAT_SECONDS)
            delay = max(0.0, time.monotonic() - due)
            self._delays.append(delay)
            self._metrics.record(LOOP_DELAY, delay)


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    exposition: Exposition,
    not_ready: Callable[[], Awaitable[Sequence[Reason]]],
) -> AsyncIterator[str]:
    """Serve while the context is open; yields the base URL. `port` 0 takes any free one.

    Raises `HealthAddressError`.
    """
    heartbeat = Heartbeat(exposition.metrics)
    listener = _listener(host, port)
    beating = asyncio.create_task(heartbeat.beat(), name="heartbeat")
    try:
        async with web.serving(_app(exposition, heartbeat, not_ready), listener) as url:
            yield url
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


def _app(
    exposition: Exposition,
    heartbeat: Heartbeat,
    not_ready: Callable[[], Awaitable[Sequence[Reason]]],
) -> Starlette:
    async def livez(_: Request) -> Response:
        return JSONResponse({"alive": True, "loop_delay_seconds": round(heartbeat.worst_delay, 3)})

    async def readyz(_: Request) -> Response:
        reasons = await not_ready()
        told = {"ready": not reasons, "reasons": [asdict(reason) for reason in reasons]}
        return JSONResponse(told, 503 if reasons else 200)

    one_at_a_time = asyncio.Lock()  # the reader mixes two scrapes up

    async def metrics(request: Request) -> Response:
        async with one_at_a_time:  # in a thread: a thousand series take some 10 ms
            page, content_type = await asyncio.to_thread(
                exposition.page, request.headers.get("accept", "")
            )
        return Response(page, headers={"content-type": content_type})

    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
    )


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise HealthAddressError(host, port, error) from error
