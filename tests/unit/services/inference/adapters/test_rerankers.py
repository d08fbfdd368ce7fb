"""One suite over every reranker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from services.inference.adapters.rerankers import reranker
from services.inference.models.errors import ModelError
from services.inference.reranker import Reranker
from tests.unit.services.inference.conftest import FAULTS, opened

MODELS = {
    "openai": "bge-reranker-v2-m3",
    "bedrock": "cohere.rerank-v3-5:0",
    "bedrock, not streamed": "amazon.rerank-v1:0",
}
TEXTS = ("Loans are approved.", "The late payment fee is EUR 35.", "Branches were closed.")


@asynccontextmanager
async def reranking(kind: str, emulator: str, *, seconds: float = 30.0) -> AsyncIterator[Reranker]:
    async with opened(kind, emulator, silence=seconds) as adapter:
        yield reranker(adapter, MODELS[kind], seconds=seconds)


@pytest.mark.parametrize("kind", MODELS)
async def test_each_text_has_its_score_in_the_order_of_the_texts(kind: str, emulator: str) -> None:
    async with reranking(kind, emulator) as model:
        found = await model.rerank("What is the late payment fee?", TEXTS)

    assert len(found.scores) == len(TEXTS)
    assert max(found.scores) == found.scores[1]
    assert found.input_tokens > 0


@pytest.mark.parametrize("kind", ["openai", "bedrock"])
@pytest.mark.parametrize(("fault", "codes"), FAULTS)
async def test_failures_have_the_names_that_other_models_have(
    kind: str, emulator: str, script: Script, fault: Fault, codes: set[str]
) -> None:
    script.tell(Behaviour(fault=fault))
    seconds = 0.6 if fault is Fault.TIMEOUT else 30.0
    async with reranking(kind, emulator, seconds=seconds) as model:
        with pytest.raises(ModelError) as raised:
            await model.rerank("one", TEXTS)

    assert raised.value.code in codes


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {"results": [{"index": 0, "relevance_score": 1}]},
        {"results": [{"index": n, "relevance_score": 1} for n in range(4)]},
        {"results": [{"index": -1, "relevance_score": 1}] * 3},
        {"results": [{"index": n} for n in range(3)]},
        {"results": [{"index": n, "relevance_score": "good"} for n in range(3)]},
    ],
)
async def test_a_reply_without_one_score_for_each_text_is_malformed(
    told: object, emulator: str
) -> None:
    async with opened("openai", emulator) as adapter:

        async def post(*_: object) -> object:
            return told

        adapter.post = post  # type: ignore[method-assign,union-attr] # what a server might say
        with pytest.raises(ModelError) as raised:
            await reranker(adapter, "r", seconds=1).rerank("one", TEXTS)

    assert raised.value.code == "malformed"
