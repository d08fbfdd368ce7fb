"""The models as the settings have them: providers, prices, budgets, and the chain over them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.inference.adapters.bedrock import Bedrock
from services.inference.adapters.embedders import embedder
from services.inference.adapters.ledger import SqliteLedger
from services.inference.adapters.openai import OpenAI
from services.inference.adapters.planted import PlantedFaults
from services.inference.adapters.providers import Providers
from services.inference.adapters.rerankers import reranker
from services.inference.embedder import Embedder
from services.inference.extractive import ExtractiveGenerator
from services.inference.generator import Draft, Generator, Task
from services.inference.models.asking import Models
from services.inference.models.breakers import Breakers
from services.inference.models.budgets import Budgets
from services.inference.models.chain import Chain
from services.inference.models.embedding import Embedding
from services.inference.models.errors import UnknownProviderError
from services.inference.models.metering import Meter
from services.inference.models.pricing import Prices
from services.inference.models.reranking import Reranking
from services.inference.reranker import Reranker
from services.inference.settings import InferenceSettings
from shared.metrics import PROVIDER_CONCURRENCY, Metrics
from shared.retrieval import EmbedderParameters, RerankerParameters


class SettledGenerator:
    """Implements `services.inference.generator.Generator` once it is entered (`opened`)."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._providers = Providers(
            settings.providers,
            silence=settings.model_silence_seconds,
            seconds=settings.model_seconds,
            patience=settings.model_patience_seconds,
        )
        self._ledger = SqliteLedger(settings.budget_file or settings.home / "budgets.db")
        prices = Prices(settings.prices)
        breakers = Breakers(settings.breaker_failures, settings.breaker_recovery_seconds)
        budgets = Budgets(self._ledger, prices, share=settings.budget_share)
        self._meter = Meter(breakers, budgets, prices)
        self.embedding = Embedding(self._embedder_of, self._meter)
        """The embedders of all releases."""
        self.reranking = Reranking(self._reranker_of, self._meter)
        """The rerankers of all releases."""
        models = Models(
            self._providers.limited,
            breakers,
            budgets,
            prices,
            seconds=settings.model_seconds,
        )
        self._chain = Chain(models, ExtractiveGenerator())
        self._generator: Generator = (
            PlantedFaults(self._chain) if settings.planted_faults else self._chain
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold connections and files while the context is open."""
        async with self._ledger.opened(), self._providers.opened():
            yield

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self._chain.measured(metrics)
        self._meter.measured(metrics)
        metrics.read_from(
            PROVIDER_CONCURRENCY,
            lambda: {(name,): each.limit for name, each in self._providers.limited.items()},
        )

    def _embedder_of(self, told: EmbedderParameters, seconds: float) -> tuple[Embedder, str]:
        adapter, model = self._adapter_of(told.model)
        dimensions = told.dimensions if told.shortened else None
        return embedder(adapter, model, dimensions=dimensions, seconds=seconds), adapter.system

    def _reranker_of(self, told: RerankerParameters, seconds: float) -> tuple[Reranker, str]:
        adapter, model = self._adapter_of(told.model)
        return reranker(adapter, model, seconds=seconds), adapter.system

    def _adapter_of(self, name: str) -> tuple[Bedrock | OpenAI, str]:
        provider, _, model = name.partition(":")
        if provider not in self._providers.adapters:
            raise UnknownProviderError(provider, self._providers.adapters)
        return self._providers.adapters[provider], model

    async def generate(self, task: Task) -> Draft:
        """See `Generator.generate`."""
        return await self._generator.generate(task)
