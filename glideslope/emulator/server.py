"""The emulator as an HTTP server: which address leads to what.

`GET /emulator` tells what came; `PUT /emulator` takes a list of behaviours (see `behaviour`).
"""

import asyncio
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from glideslope.emulator import bedrock, openai
from glideslope.emulator.answering import Dialect, Say, answer, fail_or_json
from glideslope.emulator.behaviour import Behaviour, Script
from glideslope.emulator.connection import Connection
from glideslope.emulator.ranking import reranked
from glideslope.emulator.replies import reply
from shared import web

_BEDROCK: Final = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke)")
_OPENAI: Final = re.compile(
    r"(?:/v1|/openai/v1|/openai/deployments/([^/]+))/(chat/completions|embeddings|rerank)"
)
_BEHAVIOURS: Final = TypeAdapter(list[Behaviour])
_JSON: Final = {"Content-Type": "application/json"}


@asynccontextmanager
async def serving(
    script: Script | None = None, *, host: str = "127.0.0.1", port: int = 0, say: Say = reply
) -> AsyncIterator[str]:
    """Serve while the context is open; yields the base URL. `port` 0 takes any free one.

    Its models say what `say` makes of a prompt.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_no_reset)
    app = Emulator(script or Script(), say)
    async with web.serving(app, socket.create_server((host, port))) as url:
        yield url


class Emulator:
    """An ASGI app."""

    def __init__(self, script: Script, say: Say = reply) -> None:
        self._script = script
        self._say = say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        connection = Connection(scope, receive, send)
        # as it was sent: a model's name may hold an escaped slash
        path = scope["raw_path"].decode().partition("?")[0]
        try:
            if found := _BEDROCK.fullmatch(path):
                await self._bedrock(connection, unquote(found.group(1)), found.group(2))
            elif found := _OPENAI.fullmatch(path):
                await self._openai(connection, found.group(1), found.group(2))
            elif path == "/emulator":
                await self._control(connection)
            else:
                await _reply(connection, {"message": f"the emulator has no {path}"}, 404)
        except (KeyError, TypeError, ValueError) as error:
            message = f"the emulator cannot read that: {type(error).__name__}: {error}"
            await _reply(connection, {"message": message, "error": {"message": message}}, 400)

    async def _bedrock(self, connection: Connection, model: str, operation: str) -> None:
        body: dict[str, Any] = json.loads(await connection.body())
        if operation == "invoke":
            say = reranked if "rerank" in model else bedrock.embedded
            await self._told(connection, bedrock.Converse(), model, say, body)
            return
        streamed = operation == "converse-stream"
        dialect = bedrock.Converse()
        await answer(
            connection, dialect, self._script, model, body, streamed=streamed, say=self._say
        )

    async def _openai(self, connection: Connection, deployment: str | None, what: str) -> None:
        body: dict[str, Any] = json.loads(await connection.body())
        model = deployment or body["model"]
        if what != "chat/completions":
            say = reranked if what == "rerank" else openai.embedded
            await self._told(connection, openai.ChatCompletions(), model, say, body)
            return
        streamed = bool(body.get("stream"))
        dialect = openai.ChatCompletions()
        await answer(
            connection, dialect, self._script, model, body, streamed=streamed, say=self._say
        )

    async def _told(
        self,
        connection: Connection,
        dialect: Dialect,
        model: str,
        say: Callable[[str, dict[str, Any]], dict[str, Any]],
        body: dict[str, Any],
    ) -> None:
        fault, behaviour, seconds = self._script.next(model)
        await asyncio.sleep(seconds)
        await fail_or_json(connection, dialect, fault, behaviour, say(model, body))

    async def _control(self, connection: Connection) -> None:
        if connection.scope["method"] == "PUT":
            try:
                told = _BEHAVIOURS.validate_json(await connection.body())
            except ValidationError as error:
                await _reply(connection, {"message": str(error)}, 400)
                return
            self._script.tell(*told)
        calls = [
            {"model": model, "fault": fault, "calls": count}
            for (model, fault), count in sorted(self._script.calls.items())
        ]
        await _reply(connection, {"calls": calls})


def _is_no_reset(record: logging.LogRecord) -> bool:
    """Whether a log line is about anything but a connection that was reset on purpose."""
    return not str(record.msg).startswith("ASGI callable returned without")


async def _reply(connection: Connection, body: dict[str, Any], status: int = 200) -> None:
    await connection.whole(status, _JSON, json.dumps(body).encode())
