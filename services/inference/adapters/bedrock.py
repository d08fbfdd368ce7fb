"""Amazon Bedrock: Converse and ConverseStream for any model, through boto3 in threads of its own.

Source: the Bedrock Runtime API, as botocore's service model describes it.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.session import get_session

from services.inference.adapters.bedrock_errors import translated, translated_in_mid_answer
from services.inference.models.errors import (
    BrokenOffError,
    ContentFilteredError,
    ContextTooLongError,
    EmptyError,
    MalformedError,
    StalledError,
    TimedOutError,
)
from services.inference.models.model import Call, Completion, Tokens, estimated
from services.inference.providers import BedrockProvider

SYSTEM: Final = "aws.bedrock"
_CONNECT_SECONDS: Final = 5.0
_FILTERED: Final = frozenset({"guardrail_intervened", "content_filtered"})
T = TypeVar("T")


class Bedrock:
    """Implements `services.inference.models.model.Provider` once it is entered (`opened`).

    `silence` is for how many seconds no token may come. There are as many threads and connections
    as calls at once; botocore repeats nothing, since the chain has other models to ask.
    """

    def __init__(self, settings: BedrockProvider, *, silence: float) -> None:
        self._settings = settings
        self._silence = silence
        self._client: Any = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def system(self) -> str:
        """See `Provider.system`."""
        return self._settings.system or SYSTEM

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the client and its threads while the context is open."""
        self._client = await asyncio.to_thread(runtime_client, self._settings, self._silence)
        self._pool = ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="bedrock")
        try:
            yield
        finally:
            # a thread whose call was given up ends by itself, when the connection is silent
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._client.close()

    async def complete(self, call: Call) -> Completion:
        """See `Provider.complete`."""
        work = self._streamed if self._settings.stream else self._at_once
        return await self.run(lambda given_up: work(call, given_up), call.seconds)

    async def run(self, work: Callable[[threading.Event], T], seconds: float) -> T:
        """Run `work` in a thread; it is told when nobody waits for it any longer."""
        given_up = threading.Event()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._translated, work, given_up
                )
        except TimeoutError:
            raise TimedOutError(f"no whole answer within {seconds:.1f} s") from None
        finally:
            given_up.set()

    def invoke(self, model: str, body: bytes) -> bytes:
        """Call InvokeModel, for what Converse does not cover; blocks."""
        told = self._client.invoke_model(modelId=model, body=body, contentType="application/json")
        return bytes(told["body"].read())

    def _translated(self, work: Callable[[threading.Event], T], given_up: threading.Event) -> T:
        with translated(self._silence):
            return work(given_up)

    def _at_once(self, call: Call, _given_up: threading.Event) -> Completion:
        told = self._client.converse(**self._request(call))
        message = told.get("output", {}).get("message")
        if message is None:
            raise MalformedError("Bedrock's reply has no message")
        text = "".join(block.get("text", "") for block in message.get("content", ()))
        return self._completion(call, text, told.get("stopReason"), told.get("usage"))

    def _streamed(self, call: Call, given_up: threading.Event) -> Completion:
        stream = self._client.converse_stream(**self._request(call))["stream"]
        text: list[str] = []
        reason: str | None = None
        usage: dict[str, int] | None = None
        heard = time.monotonic()
        try:
            with translated_in_mid_answer(self._silence):
                for event in stream:
                    if "contentBlockDelta" in event:
                        text.append(event["contentBlockDelta"]["delta"].get("text", ""))
                        heard = time.monotonic()
                    elif "messageStop" in event:
                        reason = event["messageStop"]["stopReason"]
                    elif "metadata" in event:
                        usage = event["metadata"].get("usage")
                    if given_up.is_set():
                        break
                    if time.monotonic() - heard > self._silence:
                        raise StalledError(self._silence)
        finally:
            stream.close()
        if reason is None and not given_up.is_set():
            raise BrokenOffError("the stream ended before its message did")
        return self._completion(call, "".join(text), reason, usage)

    def _request(self, call: Call) -> dict[str, Any]:
        inference: dict[str, Any] = {"maxTokens": call.max_output_tokens}
        if call.temperature is not None:
            inference["temperature"] = call.temperature
        request: dict[str, Any] = {
            "modelId": call.model,
            "system": [{"text": call.prompt.system}],
            "messages": [{"role": "user", "content": [{"text": call.prompt.user}]}],
            "inferenceConfig": inference,
        }
        if self._settings.guardrail_id is not None:
            request["guardrailConfig"] = {
                "guardrailIdentifier": self._settings.guardrail_id,
                "guardrailVersion": self._settings.guardrail_version,
            }
        return request

    def _completion(
        self, call: Call, text: str, reason: str | None, usage: dict[str, int] | None
    ) -> Completion:
        tokens = (
            Tokens(usage["inputTokens"], usage["outputTokens"]) if usage else estimated(call, text)
        )
        if reason in _FILTERED:
            raise ContentFilteredError(f"Bedrock stopped it ({reason})", tokens=tokens)
        if reason == "model_context_window_exceeded":
            raise ContextTooLongError("question, passages and answer are too long", tokens=tokens)
        if not text.strip():
            raise EmptyError("the answer has no text", tokens=tokens)
        return Completion(text, tokens, was_cut=reason == "max_tokens", reason=reason)


def runtime_client(settings: BedrockProvider, silence: float) -> Any:
    """Return a client with the settings' region, endpoint and role."""
    core = get_session()
    if settings.assume_role is not None:
        fetcher = AssumeRoleCredentialFetcher(
            _sts(settings),
            core.get_credentials(),
            settings.assume_role,
            extra_args={"RoleSessionName": "glideslope-inference"},
        )
        core._credentials = DeferredRefreshableCredentials(  # noqa: SLF001 - botocore has no other way in
            fetcher.fetch_credentials, "assume-role"
        )
    return boto3.Session(botocore_session=core).client(
        "bedrock-runtime",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=silence,
            max_pool_connections=settings.concurrency,
            tcp_keepalive=True,
        ),
    )


def _sts(settings: BedrockProvider) -> Callable[..., Any]:
    def create(service: str, **options: Any) -> Any:
        return boto3.Session(region_name=settings.region).client(
            service, endpoint_url=settings.sts_endpoint_url, **options
        )

    return create
