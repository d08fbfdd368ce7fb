"""One suite over every embedding model."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from services.inference.adapters.embedders import embedder
from services.inference.embedder import Embedder
from services.inference.models.errors import ModelError
from tests.unit.services.inference.conftest import FAULTS, opened

MODELS = {
    "openai": "text-embedding-3-small",
    "azure": "our-embeddings",
    "bedrock": "amazon.titan-embed-text-v2:0",
    "bedrock, not streamed": "cohere.embed-multilingual-v3",
}


@asynccontextmanager
async def embedding(
    kind: str, emulator: str, *, dimensions: int | None = None, seconds: float = 30.0
) -> AsyncIterator[Embedder]:
    async with opened(kind, emulator, silence=seconds) as adapter:
        yield embedder(adapter, MODELS[kind], dimensions=dimensions, seconds=seconds)


@pytest.mark.parametrize("kind", MODELS)
async def test_each_text_has_its_vector_in_the_order_of_the_texts(kind: str, emulator: str) -> None:
    texts = [f"text number {number}" for number in range(200)]  # more than any batch
    async with embedding(kind, emulator) as model:
        together = (await model.embed(texts, "passage")).vectors
        alone = [(await model.embed([texts[i]], "question")).vectors[0] for i in (0, 97, 199)]

    assert len(together) == 200
    assert alone == [together[0], together[97], together[199]]
    assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-6) for vector in together)


@pytest.mark.parametrize("kind", ["openai", "bedrock"])
async def test_a_length_can_be_asked_for(kind: str, emulator: str) -> None:
    async with embedding(kind, emulator, dimensions=256) as model:
        found = await model.embed(["one", "two"], "passage")

    assert {len(vector) for vector in found.vectors} == {256}
    assert found.input_tokens > 0


@pytest.mark.parametrize("kind", MODELS)
async def test_no_texts_have_no_vectors(kind: str, emulator: str) -> None:
    async with embedding(kind, emulator) as model:
        assert (await model.embed([], "passage")).vectors == ()


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(("fault", "codes"), FAULTS)
async def test_failures_have_the_names_that_other_models_have(
    kind: str, emulator: str, script: Script, fault: Fault, codes: set[str]
) -> None:
    script.tell(Behaviour(fault=fault))
    seconds = 0.6 if fault is Fault.TIMEOUT else 30.0
    async with embedding(kind, emulator, seconds=seconds) as model:
        with pytest.raises(ModelError) as raised:
            await model.embed(["one", "two"], "passage")

    assert raised.value.code in codes
