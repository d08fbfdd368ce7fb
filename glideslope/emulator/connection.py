"""The replies that a well-behaved web framework does not let one send."""

import socket
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope, Send

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: no lingering, the peer gets a RST


@dataclass(frozen=True, slots=True)
class Connection:
    """One request's connection, as ASGI has it."""

    scope: Scope
    receive: Receive
    send: Send

    async def body(self) -> bytes:
        """Return the request's body."""
        body: bytes = b""
        while True:
            message = await self.receive()
            body += bytes(message.get("body", b""))
            if not message.get("more_body", False):
                return body

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and headers."""
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send a part of the body."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole response."""
        await self.start(status, {**headers, "Content-Length": str(len(body))})
        await self.write(body, more=False)

    async def stream(self, headers: Mapping[str, str], parts: AsyncIterator[bytes]) -> None:
        """Send a body as it comes."""
        await self.start(200, headers)
        async for part in parts:
            await self.write(part)
        await self.write(b"", more=False)

    async def hang(self) -> None:
        """Do nothing until the client goes away."""
        # the body has been read, so the next thing to come is its going
        await self.receive()

    def reset(self) -> None:
        """Reset the connection, so that the client sees neither an end nor a reply."""
        transport: Any = self.send.__self__.transport  # type: ignore[attr-defined] # uvicorn's own
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
