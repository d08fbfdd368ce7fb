"""OpenAI-compatible chat completions: Azure OpenAI, vLLM, llama.cpp, a private gateway.

httpx2 rather than the `openai` package on top of it: what is needed is one POST and its event
stream, and the package costs 0.7 s and 50 MB at each start. Not httpx 0.28: a call that is
cancelled while it gets its connection leaves that one in the pool for ever (httpcore 1.0.9), until
there are no others.

Source: OpenAI's API reference (chat completions, streaming); Azure OpenAI's REST reference.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2

from services.inference.adapters.openai_answer import Answer, read_json
from services.inference.adapters.openai_errors import of_response, translated
from services.inference.models.errors import (
    BrokenOffError,
    MalformedError,
    StalledError,
    TimedOutError,
)
from services.inference.models.model import Call, Completion
from services.inference.providers import OpenAIProvider

OPENAI: Final = "openai"
AZURE: Final = "azure.ai.openai"
_CONNECT_SECONDS: Final = 5.0
_DONE: Final = "[DONE]"


class OpenAI:
    """Implements `services.inference.models.model.Provider` once it is entered (`opened`).

    `silence` is for how many seconds no token may come.
    """

    def __init__(self, settings: OpenAIProvider, *, silence: float) -> None:
        self._settings = settings
        self._silence = silence
        self._client: httpx2.AsyncClient | None = None

    @property
    def system(self) -> str:
        """See `Provider.system`."""
        return self._settings.system or (AZURE if self._settings.api_version else OPENAI)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the connections while the context is open. Raises `OSError` on a missing file."""
        async with httpx2.AsyncClient(
            headers=self._settings.sent_headers(),
            verify=_context(self._settings),
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx2.Limits(
                max_connections=self._settings.concurrency,
                max_keepalive_connections=self._settings.concurrency,
            ),
        ) as client:
            self._client = client
            yield

    async def complete(self, call: Call) -> Completion:
        """See `Provider.complete`."""
        work = self._streamed if self._settings.stream else self._at_once
        try:
            async with asyncio.timeout(call.seconds):
                with translated():
                    return await work(call)
        except TimeoutError:
            raise TimedOutError(f"no whole answer within {call.seconds:.1f} s") from None

    async def post(self, path: str, model: str, body: dict[str, Any], seconds: float) -> Any:
        """Post JSON and return JSON. Raises a `ModelError`."""
        try:
            async with asyncio.timeout(seconds):
                with translated():
                    response = await self._open().post(self.url(path, model), json=body)
        except TimeoutError:
            raise TimedOutError(f"no answer within {seconds:.1f} s") from None
        if response.is_error:
            raise of_response(response)
        return read_json(response.text)

    def url(self, path: str, model: str) -> str:
        """Return the address of an operation; Azure has one for each deployment."""
        return self._settings.url(path, model)

    async def _at_once(self, call: Call) -> Completion:
        response = await self._open().post(
            self.url("chat/completions", call.model), json=self._body(call)
        )
        if response.is_error:
            raise of_response(response)
        told = read_json(response.text)
        answer = Answer()
        answer.hear(told, "message")
        return answer.completion(call)

    async def _streamed(self, call: Call) -> Completion:
        body = {**self._body(call), "stream": True, "stream_options": {"include_usage": True}}
        answer = Answer()
        url = self.url("chat/completions", call.model)
        try:
            # every token begins the time of silence anew
            async with asyncio.timeout(self._silence) as silence:
                async with self._open().stream("POST", url, json=body) as response:
                    if response.is_error:
                        await response.aread()
                        raise of_response(response)
                    async for event in httpx2.EventSource(response):
                        if event.data == _DONE:
                            return answer.completion(call)
                        if answer.hear(read_json(event.data), "delta"):
                            silence.reschedule(asyncio.get_running_loop().time() + self._silence)
        except TimeoutError:
            raise StalledError(self._silence) from None
        except httpx2.SSEError as error:
            raise MalformedError("the reply is no event stream: set `stream` to false") from error
        except httpx2.TransportError as error:
            if not answer.has_begun:
                raise
            raise BrokenOffError(f"the stream broke off ({type(error).__name__})") from error
        if answer.reason is None:
            raise BrokenOffError("the stream ended before its message did")
        return answer.completion(call)

    def _body(self, call: Call) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": call.model,
            "messages": [
                {"role": "system", "content": call.prompt.system},
                {"role": "user", "content": call.prompt.user},
            ],
            self._settings.max_tokens_field: call.max_output_tokens,
        }
        if call.temperature is not None:
            body["temperature"] = call.temperature
        if self._settings.json_object:
            body["response_format"] = {"type": "json_object"}
        return body

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            raise RuntimeError("the provider is not open: use it inside `async with opened()`")
        return self._client


def _context(settings: OpenAIProvider) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
