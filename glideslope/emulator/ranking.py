"""Rerank models of the emulator, in Cohere's form: by shared words, like its embeddings."""

from typing import Any, Final

from glideslope.emulator.replies import tokens
from glideslope.emulator.vectors import vector

_DIMENSIONS: Final = 512


def reranked(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what `/rerank`, or InvokeModel for a rerank model, says: the best first."""
    asked = vector(body["query"], _DIMENSIONS)
    scores = [_dot(asked, vector(text, _DIMENSIONS)) for text in body["documents"]]
    best = sorted(range(len(scores)), key=lambda number: -scores[number])
    read = sum(map(tokens, body["documents"])) + tokens(body["query"]) * len(scores)
    return {
        "id": "rerank-emulated",
        "model": model,
        "results": [
            {"index": number, "relevance_score": scores[number]}
            for number in best[: body.get("top_n") or len(best)]
        ],
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


def _dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
