"""Rerankers: whatever speaks Cohere's `/rerank`, and Cohere's and Amazon's on Bedrock.

Sources: Cohere's API reference (Rerank), which vLLM, llama.cpp, Jina and many gateways follow; the
Bedrock user guide (InvokeModel with rerank models).
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from services.inference.adapters.bedrock import Bedrock
from services.inference.adapters.openai import OpenAI
from services.inference.models.errors import MalformedError
from services.inference.reranker import Reranked, Reranker

_COHERE_VERSION: Final = 2


class HttpReranker:
    """Implements `Reranker` with a server that has `/rerank` beside `/chat/completions`."""

    def __init__(self, openai: OpenAI, model: str, *, seconds: float) -> None:
        self._openai = openai
        self._model = model
        self._seconds = seconds

    async def rerank(self, question: str, texts: Sequence[str]) -> Reranked:
        """See `Reranker.rerank`."""
        body = {
            "model": self._model,
            "query": question,
            "documents": list(texts),
            "top_n": len(texts),
        }
        return _reranked(
            await self._openai.post("rerank", self._model, body, self._seconds), len(texts)
        )


class BedrockReranker:
    """Implements `Reranker` with a rerank model on Bedrock."""

    def __init__(self, bedrock: Bedrock, model: str, *, seconds: float) -> None:
        self._bedrock = bedrock
        self._model = model
        self._seconds = seconds

    async def rerank(self, question: str, texts: Sequence[str]) -> Reranked:
        """See `Reranker.rerank`."""
        body: dict[str, Any] = {"query": question, "documents": list(texts), "top_n": len(texts)}
        if "cohere" in self._model:
            body["api_version"] = _COHERE_VERSION
        raw = await self._bedrock.run(
            lambda _: self._bedrock.invoke(self._model, json.dumps(body).encode()), self._seconds
        )
        try:
            told = json.loads(raw)
        except ValueError as error:
            raise MalformedError("the reply is not JSON") from error
        return _reranked(told, len(texts))


def reranker(adapter: Bedrock | OpenAI, model: str, *, seconds: float) -> Reranker:
    """Return the reranker of that name at a provider that is open."""
    if isinstance(adapter, OpenAI):
        return HttpReranker(adapter, model, seconds=seconds)
    return BedrockReranker(adapter, model, seconds=seconds)


def _reranked(told: Any, count: int) -> Reranked:
    """Read Cohere's form: the results in any order, each with the index of its document."""
    scores = [math.nan] * count
    try:
        for result in told["results"]:
            scores[range(count)[result["index"]]] = float(result["relevance_score"])
        usage = told.get("usage") or {}
        read = int(usage.get("total_tokens") or usage.get("prompt_tokens") or 0)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise MalformedError("the reply is no ranking as Cohere has it") from error
    if any(map(math.isnan, scores)):
        raise MalformedError("the reply has not one score for each text")
    return Reranked(tuple(scores), read)
