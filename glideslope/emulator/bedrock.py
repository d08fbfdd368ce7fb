"""Bedrock's dialect: Converse, ConverseStream, and InvokeModel for embeddings.

Source: the Bedrock Runtime API, as botocore's service model describes it.
"""

from typing import Any, Final

from glideslope.emulator import eventstream
from glideslope.emulator.answering import Exchange
from glideslope.emulator.behaviour import Fault
from glideslope.emulator.replies import tokens
from glideslope.emulator.vectors import vector

_ERRORS: Final = {
    Fault.THROTTLED: (429, "ThrottlingException", "Too many requests, please wait."),
    Fault.UNAVAILABLE: (503, "ServiceUnavailableException", "The service is unavailable."),
    Fault.DENIED: (403, "AccessDeniedException", "You don't have access to the model."),
    Fault.CONTEXT_TOO_LONG: (
        400,
        "ValidationException",
        "Input is too long for requested model.",
    ),
}
_REASONS: Final = {Fault.FILTERED: "guardrail_intervened", Fault.CUT: "max_tokens"}


class Converse:
    """Implements `glideslope.emulator.answering.Dialect`."""

    stream_type = eventstream.CONTENT_TYPE
    garbage = b"\x00\x00\x00\x10 this is no frame of an event stream"

    def prompt(self, body: dict[str, Any]) -> str:
        """See `Dialect`."""
        messages = [block.get("text", "") for m in body["messages"] for block in m["content"]]
        return "\n".join([*(block.get("text", "") for block in body.get("system", ())), *messages])

    def error(self, fault: Fault) -> tuple[int, dict[str, str], dict[str, Any]] | None:
        """See `Dialect`."""
        if fault not in _ERRORS:
            return None
        status, kind, message = _ERRORS[fault]
        return status, {"x-amzn-ErrorType": kind}, {"message": message}

    def whole(self, exchange: Exchange) -> dict[str, Any]:
        """See `Dialect`."""
        content = [{"text": exchange.text}] if exchange.text else []
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": _REASONS.get(exchange.fault, "end_turn"),
            **_metadata(exchange),
        }

    def opening(self, _exchange: Exchange) -> bytes:
        """See `Dialect`."""
        return eventstream.event("messageStart", {"role": "assistant"})

    def piece(self, _exchange: Exchange, text: str) -> bytes:
        """See `Dialect`."""
        data = {"contentBlockIndex": 0, "delta": {"text": text}}
        return eventstream.event("contentBlockDelta", data)

    def closing(self, exchange: Exchange) -> bytes:
        """See `Dialect`."""
        reason = _REASONS.get(exchange.fault, "end_turn")
        return (
            eventstream.event("contentBlockStop", {"contentBlockIndex": 0})
            + eventstream.event("messageStop", {"stopReason": reason})
            + eventstream.event("metadata", _metadata(exchange))
        )


def embedded(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what InvokeModel says for a Titan or a Cohere embedding model."""
    if "cohere" in model:
        return {
            "embeddings": [vector(text, 1024) for text in body["texts"]],
            "id": "emulated",
            "response_type": "embeddings_floats",
            "texts": body["texts"],
        }
    return {
        "embedding": vector(body["inputText"], body.get("dimensions", 1024)),
        "inputTextTokenCount": tokens(body["inputText"]),
    }


def _metadata(exchange: Exchange) -> dict[str, Any]:
    read, written = tokens(exchange.prompt), tokens(exchange.text)
    return {
        "usage": {"inputTokens": read, "outputTokens": written, "totalTokens": read + written},
        "metrics": {"latencyMs": 1},
    }
