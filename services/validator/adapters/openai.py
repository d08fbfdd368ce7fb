"""Judges behind OpenAI-compatible chat completions.

httpx2 for the reasons that `services.inference.adapters.openai` gives.
Source: OpenAI's API reference (chat completions); Azure OpenAI's REST reference.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx2

from services.validator.judge import JudgeUnavailableError
from services.validator.servers import JudgeServer
from shared.release import Judge

_CONNECT_SECONDS: Final = 5.0


class Judges:
    """Implements `services.validator.judge.Asked` once it is entered (`opened`)."""

    def __init__(self, servers: Mapping[str, JudgeServer]) -> None:
        self._servers = servers
        self._clients: dict[str, httpx2.AsyncClient] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the connections while the context is open. Raises `OSError` on a missing file."""
        async with AsyncExitStack() as stack:
            for name, server in self._servers.items():
                self._clients[name] = await stack.enter_async_context(_client(server))
            yield

    async def ask(self, judge: Judge, system: str, user: str) -> str:
        """See `Asked.ask`."""
        name, _, model = judge.model.partition(":")
        if name not in self._clients:
            raise JudgeUnavailableError(f"GLIDESLOPE_JUDGES has no server '{name}'")
        server = self._servers[name]
        body: dict[str, Any] = {
            "model": model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            server.max_tokens_field: judge.max_output_tokens,
        }
        if judge.temperature is not None:
            body["temperature"] = judge.temperature
        if server.json_object:
            body["response_format"] = {"type": "json_object"}
        try:
            async with asyncio.timeout(server.seconds):
                response = await self._clients[name].post(
                    server.url("chat/completions", model), json=body
                )
        except TimeoutError:
            raise JudgeUnavailableError(f"no answer within {server.seconds:g} s") from None
        except (httpx2.TransportError, httpx2.UnsupportedProtocol) as error:
            kind = type(error).__name__
            raise JudgeUnavailableError(f"the server cannot be reached ({kind})") from error
        if response.is_error:
            raise JudgeUnavailableError(f"the server refuses (HTTP {response.status_code})")
        return _text(response)


def _client(server: JudgeServer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        headers=server.sent_headers(),
        verify=ssl.create_default_context(cafile=server.ca_file) if server.ca_file else True,
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
        limits=httpx2.Limits(
            max_connections=server.concurrency, max_keepalive_connections=server.concurrency
        ),
    )


def _text(response: httpx2.Response) -> str:
    try:
        choice = response.json()["choices"][0]
        text = choice["message"]["content"]
    except (ValueError, LookupError, TypeError):
        raise JudgeUnavailableError("the reply is no chat completion: check `base_url`") from None
    if choice.get("finish_reason") == "length":
        raise JudgeUnavailableError("its reply was cut: raise `max_output_tokens`")
    if not isinstance(text, str) or not text.strip():
        raise JudgeUnavailableError("its reply has no text")
    return text
