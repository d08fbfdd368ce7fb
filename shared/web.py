"""An HTTP server inside the event loop of a process that does something else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

_LAST_ANSWERS_SECONDS: Final = 1


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[str]:
    """Serve an ASGI app on a listening socket while the context is open; yields the base URL."""
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
    )
    answering = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    address, bound = listener.getsockname()[:2]
    try:
        yield f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
    finally:
        server.should_exit = True
        await answering


class _Server(uvicorn.Server):
    """Leaves signals to the process, whose they are."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
