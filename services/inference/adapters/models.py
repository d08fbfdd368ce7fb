"""The models as the settings have them: providers, prices, budgets, and the chain over them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.inference.adapters.ledger import SqliteLedger
from services.inference.adapters.planted import PlantedFaults
from services.inference.adapters.providers import Providers
from services.inference.extractive import ExtractiveGenerator
from services.inference.generator import Draft, Generator, Task
from services.inference.models.asking import Models
from services.inference.models.breakers import Breakers
from services.inference.models.budgets import Budgets
from services.inference.models.chain import Chain
from services.inference.models.pricing import Prices
from services.inference.settings import InferenceSettings
from shared.metrics import PROVIDER_CONCURRENCY, Metrics


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
        models = Models(
            self._providers.limited,
            Breakers(settings.breaker_failures, settings.breaker_recovery_seconds),
            Budgets(self._ledger, prices, share=settings.budget_share),
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
        metrics.read_from(
            PROVIDER_CONCURRENCY,
            lambda: {(name,): each.limit for name, each in self._providers.limited.items()},
        )

    async def generate(self, task: Task) -> Draft:
        """See `Generator.generate`."""
        return await self._generator.generate(task)
