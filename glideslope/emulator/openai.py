"""OpenAI's dialect: chat completions, and embeddings; Azure's differs in its addresses alone.

Source: OpenAI's API reference.
"""

import json
from typing import Any, Final

from glideslope.emulator.answering import Exchange
from glideslope.emulator.behaviour import Fault
from glideslope.emulator.replies import tokens
from glideslope.emulator.vectors import vector

_ERRORS: Final = {
    Fault.THROTTLED: (429, "rate_limit_exceeded", "Rate limit reached."),
    Fault.UNAVAILABLE: (503, "server_error", "The server is overloaded."),
    Fault.DENIED: (401, "invalid_api_key", "Incorrect API key provided."),
    Fault.CONTEXT_TOO_LONG: (
        400,
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens.",
    ),
}
_REASONS: Final = {Fault.FILTERED: "content_filter", Fault.CUT: "length"}


class ChatCompletions:
    """Implements `glideslope.emulator.answering.Dialect`."""

    stream_type = "text/event-stream"
    garbage = b"data: {this is no JSON\n\n"

    def prompt(self, body: dict[str, Any]) -> str:
        """See `Dialect`."""
        return "\n".join(message["content"] for message in body["messages"])

    def error(self, fault: Fault) -> tuple[int, dict[str, str], dict[str, Any]] | None:
        """See `Dialect`."""
        if fault not in _ERRORS:
            return None
        status, code, message = _ERRORS[fault]
        return status, {}, {"error": {"code": code, "type": code, "message": message}}

    def whole(self, exchange: Exchange) -> dict[str, Any]:
        """See `Dialect`."""
        return {
            **_head("chat.completion", exchange.model),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": exchange.text},
                    "finish_reason": _REASONS.get(exchange.fault, "stop"),
                }
            ],
            "usage": _usage(exchange),
        }

    def opening(self, exchange: Exchange) -> bytes:
        """See `Dialect`."""
        return _chunk(exchange.model, [_choice({"role": "assistant", "content": ""})])

    def piece(self, exchange: Exchange, text: str) -> bytes:
        """See `Dialect`."""
        return _chunk(exchange.model, [_choice({"content": text})])

    def closing(self, exchange: Exchange) -> bytes:
        """See `Dialect`."""
        reason = _REASONS.get(exchange.fault, "stop")
        return (
            _chunk(exchange.model, [_choice({}, reason)])
            + _chunk(exchange.model, [], usage=_usage(exchange))
            + b"data: [DONE]\n\n"
        )


def embedded(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what `/embeddings` says."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    read = sum(map(tokens, texts))
    return {
        "object": "list",
        "model": model,
        "data": [
            {
                "object": "embedding",
                "index": i,
                "embedding": vector(t, body.get("dimensions", 1536)),
            }
            for i, t in enumerate(texts)
        ],
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-emulated", "object": kind, "created": 0, "model": model}


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


def _chunk(model: str, choices: list[dict[str, Any]], **more: Any) -> bytes:
    told = {**_head("chat.completion.chunk", model), "choices": choices, **more}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def _usage(exchange: Exchange) -> dict[str, int]:
    read, written = tokens(exchange.prompt), tokens(exchange.text)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
