"""Embedding models: Titan and Cohere on Bedrock, and whatever speaks OpenAI's `/embeddings`.

Sources: the Bedrock user guide (Amazon Titan Text Embeddings V2, Cohere Embed); OpenAI's API
reference.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

from services.inference.adapters.bedrock import Bedrock
from services.inference.adapters.openai import OpenAI
from services.inference.embedder import Embedded, Embedder, Kind
from services.inference.models.errors import MalformedError

_COHERE_BATCH: Final = 96
_OPENAI_BATCH: Final = 128
_AT_ONCE: Final = 8
"""Calls for one list of texts that are under way together: others want the provider, too."""
_COHERE_KINDS: Final = {"passage": "search_document", "question": "search_query"}


class TitanEmbedder:
    """Implements `Embedder` with an Amazon Titan model, one text a call."""

    def __init__(
        self, bedrock: Bedrock, model: str, *, dimensions: int | None, seconds: float
    ) -> None:
        self._bedrock = bedrock
        self._model = model
        self._options = {} if dimensions is None else {"dimensions": dimensions}
        self._seconds = seconds

    async def embed(self, texts: Sequence[str], kind: Kind) -> Embedded:  # noqa: ARG002 - one kind
        """See `Embedder.embed`."""
        bodies = [{"inputText": text, **self._options} for text in texts]
        told = await _invoked(self._bedrock, self._model, bodies, self._seconds)
        return _embedded(
            [each.get("embedding") for each in told],
            len(texts),
            sum(each.get("inputTextTokenCount", 0) for each in told),
        )


class CohereEmbedder:
    """Implements `Embedder` with a Cohere model on Bedrock. A text that is too long is an error."""

    def __init__(self, bedrock: Bedrock, model: str, *, seconds: float) -> None:
        self._bedrock = bedrock
        self._model = model
        self._seconds = seconds

    async def embed(self, texts: Sequence[str], kind: Kind) -> Embedded:
        """See `Embedder.embed`."""
        bodies = [
            {"texts": batch, "input_type": _COHERE_KINDS[kind], "truncate": "NONE"}
            for batch in _batches(texts, _COHERE_BATCH)
        ]
        told = await _invoked(self._bedrock, self._model, bodies, self._seconds)
        vectors = [vector for each in told for vector in each.get("embeddings", ())]
        return _embedded(vectors, len(texts))


class OpenAIEmbedder:
    """Implements `Embedder` with a server that speaks OpenAI's `/embeddings`."""

    def __init__(
        self, openai: OpenAI, model: str, *, dimensions: int | None, seconds: float
    ) -> None:
        self._openai = openai
        self._model = model
        self._options = {} if dimensions is None else {"dimensions": dimensions}
        self._seconds = seconds

    async def embed(self, texts: Sequence[str], kind: Kind) -> Embedded:  # noqa: ARG002 - one kind
        """See `Embedder.embed`."""
        vectors: list[Any] = []
        read = 0
        for batch in _batches(texts, _OPENAI_BATCH):
            body = {
                "model": self._model,
                "input": batch,
                "encoding_format": "float",
                **self._options,
            }
            told = await self._openai.post("embeddings", self._model, body, self._seconds)
            found = told.get("data") if isinstance(told, dict) else None
            if not isinstance(found, list):
                raise MalformedError("the reply has no embeddings: check `base_url`")
            vectors += [one["embedding"] for one in sorted(found, key=lambda one: one["index"])]
            read += (told.get("usage") or {}).get("prompt_tokens", 0)
        return _embedded(vectors, len(texts), read)


def embedder(
    adapter: Bedrock | OpenAI, model: str, *, dimensions: int | None = None, seconds: float = 30.0
) -> Embedder:
    """Return the embedding model of that name at a provider that is open."""
    if isinstance(adapter, OpenAI):
        return OpenAIEmbedder(adapter, model, dimensions=dimensions, seconds=seconds)
    if "cohere" in model:
        return CohereEmbedder(adapter, model, seconds=seconds)
    return TitanEmbedder(adapter, model, dimensions=dimensions, seconds=seconds)


async def _invoked(
    bedrock: Bedrock, model: str, bodies: Sequence[dict[str, Any]], seconds: float
) -> list[dict[str, Any]]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def invoked(body: dict[str, Any]) -> bytes:
        async with places:
            encoded = json.dumps(body).encode()
            return await bedrock.run(lambda _: bedrock.invoke(model, encoded), seconds)

    raw = await asyncio.gather(*map(invoked, bodies))
    try:
        told = [json.loads(each) for each in raw]
    except ValueError as error:
        raise MalformedError("the reply is not JSON") from error
    if not all(isinstance(each, dict) for each in told):
        raise MalformedError("the reply is JSON, but no object")
    return told


def _batches(texts: Sequence[str], size: int) -> list[list[str]]:
    return [list(texts[start : start + size]) for start in range(0, len(texts), size)]


def _embedded(vectors: Sequence[Any], count: int, read: int = 0) -> Embedded:
    lengths = {len(vector) if isinstance(vector, list) else 0 for vector in vectors}
    if len(vectors) != count or 0 in lengths or len(lengths) > 1:
        raise MalformedError("the reply has not one vector of one length for each text")
    return Embedded(tuple(tuple(vector) for vector in vectors), read)
