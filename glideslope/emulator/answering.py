"""One call, answered or failed as the script says, whatever the dialect."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Protocol

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.connection import Connection
from glideslope.emulator.replies import pieces, reply


@dataclass(frozen=True, slots=True)
class Exchange:
    """A model that was asked, all that it was told, what it says, and what befalls it."""

    model: str
    prompt: str
    text: str
    fault: Fault


class Dialect(Protocol):
    """How a provider's protocol puts things. `garbage` is what a stream breaks on."""

    stream_type: str
    garbage: bytes

    def prompt(self, body: dict[str, Any]) -> str:
        """Return all that the model is told. Raises `KeyError` and the like on a bad body."""

    def error(self, fault: Fault) -> tuple[int, dict[str, str], dict[str, Any]] | None:
        """Return status, headers and body of a fault that has these, None for any other."""

    def whole(self, exchange: Exchange) -> dict[str, Any]:
        """Return the body of an answer in one piece."""

    def opening(self, exchange: Exchange) -> bytes:
        """Return how a stream begins."""

    def piece(self, exchange: Exchange, text: str) -> bytes:
        """Return a piece of the answer in a stream."""

    def closing(self, exchange: Exchange) -> bytes:
        """Return how a stream ends."""


async def answer(  # noqa: PLR0913 - a call is made of these
    connection: Connection,
    dialect: Dialect,
    script: Script,
    model: str,
    body: dict[str, Any],
    *,
    streamed: bool,
) -> None:
    """Answer one call."""
    prompt = dialect.prompt(body)
    fault, behaviour, seconds = script.next(model, prompt)
    if await _fails_at_once(connection, dialect, fault, behaviour):
        return
    text = "" if fault is Fault.FILTERED else reply(prompt, fault)
    exchange = Exchange(model, prompt, text, fault)
    if streamed:
        await _streamed(connection, dialect, exchange, behaviour.pieces, seconds)
    else:
        await asyncio.sleep(seconds)
        await _at_once(connection, dialect.whole(exchange), fault)


async def fail_or_json(
    connection: Connection,
    dialect: Dialect,
    fault: Fault,
    behaviour: Behaviour,
    body: dict[str, Any],
) -> None:
    """Answer a call that is never streamed."""
    if not await _fails_at_once(connection, dialect, fault, behaviour):
        await _at_once(connection, body, fault)


async def _fails_at_once(
    connection: Connection, dialect: Dialect, fault: Fault, behaviour: Behaviour
) -> bool:
    """Fail before any answer, if that is the fault; say whether it was."""
    if fault is Fault.DOWN:
        connection.reset()
    elif fault is Fault.TIMEOUT:
        await connection.hang()
    elif (error := dialect.error(fault)) is not None:
        status, headers, told = error
        if behaviour.retry_after is not None:
            headers = {**headers, "Retry-After": f"{behaviour.retry_after:g}"}
        await _json(connection, status, headers, told)
    else:
        return False
    return True


async def _at_once(connection: Connection, body: dict[str, Any], fault: Fault) -> None:
    encoded = json.dumps(body).encode()
    if fault is Fault.MALFORMED:
        await connection.whole(200, {"Content-Type": "application/json"}, encoded[:-2])
    elif fault in {Fault.RESET, Fault.STALLED}:
        length = {"Content-Type": "application/json", "Content-Length": str(len(encoded))}
        await connection.start(200, length)
        await connection.write(encoded[: len(encoded) // 2])
        await _break(connection, fault)
    else:
        await _json(connection, 200, {}, body)


async def _streamed(
    connection: Connection, dialect: Dialect, exchange: Exchange, count: int, seconds: float
) -> None:
    fault = exchange.fault
    parts = pieces(exchange.text, count)
    await connection.start(200, {"Content-Type": dialect.stream_type})
    await connection.write(dialect.opening(exchange))
    for number, part in enumerate(parts, start=1):
        await asyncio.sleep(seconds / len(parts))
        if number > 1 and fault in {Fault.RESET, Fault.STALLED}:
            await _break(connection, fault)
            return
        if number > 1 and fault is Fault.MALFORMED:
            await connection.write(dialect.garbage)
        await connection.write(dialect.piece(exchange, part))
    await connection.write(dialect.closing(exchange), more=False)


async def _break(connection: Connection, fault: Fault) -> None:
    await asyncio.sleep(0.01)  # what has been written is to arrive before the reset
    if fault is Fault.RESET:
        connection.reset()
    else:
        await connection.hang()


async def _json(
    connection: Connection, status: int, headers: dict[str, str], body: dict[str, Any]
) -> None:
    told = {"Content-Type": "application/json", **headers}
    await connection.whole(status, told, json.dumps(body).encode())
