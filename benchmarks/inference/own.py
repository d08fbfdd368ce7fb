"""The same requests without Kafka: drafted as the service's handler does, and sent directly."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import patch

import httpx2

from benchmarks.inference.load import Ask
from benchmarks.inference.only import Only
from glideslope.emulator.release import EMULATED, environment
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.qdrant import store_for
from services.inference.drafting import draft, inline_passages
from services.inference.generator import Task
from services.inference.models.prompts import prompt
from services.inference.retrieval import Retrieval
from services.inference.settings import InferenceSettings
from services.inference.versions import IndexVersion


async def drafted(url: str, home: Path, wanted: Sequence[Ask], concurrency: int) -> list[float]:
    """Draft so many at once; return for each by how much it took longer than its model."""
    name = EMULATED.content_hash()
    with patch.dict(os.environ, environment(url)):
        settings = InferenceSettings(home=home)
    generator = SettledGenerator(settings)
    requests = {ask.number: ask.request(name) for ask in wanted}
    async with AsyncExitStack() as stack:
        store = stack.enter_context(store_for(settings))
        index = Only(store.open(IndexVersion.of(EMULATED)))
        retrieval = Retrieval(index, generator.embedding, generator.reranking, seconds=1)
        await stack.enter_async_context(generator.opened())

        async def one(ask: Ask) -> None:
            made = await draft(requests[ask.number], EMULATED, retrieval, generator)
            if made.usage.model != EMULATED.generator.model:
                raise RuntimeError(f"the primary model has not answered: {made.calls}")

        return await _timed(one, wanted, concurrency)


async def direct(url: str, wanted: Sequence[Ask], concurrency: int) -> list[float]:
    """Send the same prompts with nothing around; return the same."""
    name = EMULATED.content_hash()
    bodies = {}
    for ask in wanted:
        request = ask.request(name)
        told = prompt(EMULATED.prompt).fill(Task(request, inline_passages(request), EMULATED))
        bodies[ask.number] = {
            "model": "large-1",
            "stream": True,
            "messages": [
                {"role": "system", "content": told.system},
                {"role": "user", "content": told.user},
            ],
        }
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def one(ask: Ask) -> None:
            body = bodies[ask.number]
            async with client.stream("POST", "/v1/chat/completions", json=body) as response:
                async for _ in response.aiter_bytes():
                    pass

        return await _timed(one, wanted, concurrency)


async def _timed(
    one: Callable[[Ask], Awaitable[None]], wanted: Sequence[Ask], concurrency: int
) -> list[float]:
    waiting = list(reversed(wanted))
    over: list[float] = []

    async def worker() -> None:
        while waiting:
            ask = waiting.pop()
            begun = time.perf_counter()
            await one(ask)
            over.append(time.perf_counter() - begun - ask.seconds)

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return over
