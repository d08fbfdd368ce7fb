"""A TCP proxy in front of a broker that reads along and breaks what it is told to break.

Kafka's requests are framed: four bytes of length, then two of the API key (KIP-4 and the protocol
guide list them), so a test can cut a connection exactly where a transaction hurts.
"""

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, IntEnum, auto
from typing import Self


class Api(IntEnum):
    """The requests that make up a transaction."""

    PRODUCE = 0
    ADD_PARTITIONS = 24
    ADD_OFFSETS = 25
    END = 26
    OFFSETS = 28


ADDING = (Api.ADD_PARTITIONS, Api.ADD_OFFSETS)
"""Not sent to brokers that add to a transaction themselves."""


class Cut(Enum):
    """What happens to a request."""

    NOTHING = auto()
    BEFORE = auto()
    """The connection is reset, the broker never sees the request."""
    AFTER = auto()
    """The broker gets the request, the client a reset instead of the answer."""
    HALF_OPEN = auto()
    """The connection stays open and nothing passes any more, this request included."""


class Proxy:
    """Listens on `port` of loopback and forwards to `target`, `host:port`.

    `latency` (seconds) is added to each request. `on_request` is asked about each request, and may
    do harm of its own meanwhile.
    """

    def __init__(self, port: int, target: str) -> None:
        self.latency = 0.0
        self.on_request: Callable[[int], Cut] = lambda _: Cut.NOTHING
        self._port = port
        self._target = target
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def once(
        self, api: Api, passage: int, cut: Cut, harm: Callable[[], None] = lambda: None
    ) -> asyncio.Event:
        """Break the request of this kind that comes as the given one; tells when it happened.

        `harm` is done before the broker sees the request.
        """
        happened = asyncio.Event()
        seen = 0

        def decide(key: int) -> Cut:
            nonlocal seen
            seen += key == api
            if seen < passage or happened.is_set():
                return Cut.NOTHING
            happened.set()
            harm()
            return cut

        self.on_request = decide
        return happened

    def reset(self) -> None:
        """Reset every connection that there is."""
        for task in self._connections:
            task.cancel()

    async def _connected(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            host, _, port = self._target.rpartition(":")
            broker, forward = await asyncio.open_connection(host, int(port))
        except OSError:
            answer.transport.abort()
            self._connections.discard(task)
            return
        back = asyncio.create_task(self._back(broker, answer))
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._forth(client, forward, back)
        finally:
            back.cancel()
            for writer in (answer, forward):
                writer.transport.abort()
            self._connections.discard(task)

    async def _forth(
        self, client: asyncio.StreamReader, forward: asyncio.StreamWriter, back: asyncio.Task[None]
    ) -> None:
        while True:
            size = await client.readexactly(4)
            request = await client.readexactly(struct.unpack(">i", size)[0])
            if self.latency:
                await asyncio.sleep(self.latency)
            cut = self.on_request(struct.unpack(">h", request[:2])[0])
            if cut is Cut.BEFORE:
                return
            if cut is not Cut.NOTHING:
                back.cancel()
            if cut is Cut.HALF_OPEN:
                await client.read()  # until the client gives up
                return
            forward.write(size + request)
            await forward.drain()
            if cut is Cut.AFTER:
                await self._broker_has_acted()
                return

    @staticmethod
    async def _broker_has_acted() -> None:
        """Leave the broker time to act: a request whose connection is gone may be dropped."""
        await asyncio.sleep(0.1)

    @staticmethod
    async def _back(broker: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await broker.read(65536):
                answer.write(chunk)
                await answer.drain()
        answer.transport.abort()
