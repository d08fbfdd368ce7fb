"""Calls of models that write nothing (embedders, rerankers): guarded, paid for, counted, traced."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from services.inference.models.breakers import Breakers
from services.inference.models.budgets import Amount, Budgets, Payer
from services.inference.models.errors import ModelError
from services.inference.models.model import Tokens, estimated_tokens
from services.inference.models.pricing import NANO, Prices
from shared import telemetry
from shared.events import ModelCall
from shared.metrics import GENAI_DURATION, GENAI_TOKENS, MODEL_CALLS, MODEL_COST, Metrics

T = TypeVar("T")

EMBEDDINGS: Final = "embeddings"
"""OpenTelemetry's `gen_ai.operation.name` of an embedder's call."""
RERANK: Final = "rerank"
"""The same of a reranker's; the conventions have no name for it."""
SPECIAL_TOKENS: Final = 8
"""More than a tokenizer puts around a text, or between a question and a text."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Metered:
    """What is called, and for whom. `name` is as releases have it, `system` its provider's kind.

    `characters` is how much it is to read, `most` as many tokens as that can be.
    """

    name: str
    system: str
    operation: str
    payer: Payer
    characters: int
    most: int


class Meter:
    """Guards, pays and counts. Generators have more to be asked of them: see `asking`."""

    def __init__(self, breakers: Breakers, budgets: Budgets, prices: Prices) -> None:
        self._breakers = breakers
        self._budgets = budgets
        self._prices = prices
        self._metrics = Metrics()

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self._metrics = metrics

    async def call(
        self, told: Metered, work: Callable[[], Awaitable[tuple[T, int]]], calls: list[ModelCall]
    ) -> T:
        """Return the first of what `work` returns; the second is how many tokens it took.

        It is paid from its payer's budget. Whatever comes of it is added to `calls`. Raises its
        `ModelError`, `BreakerOpenError`, `OverBudgetError`, and `DeniedError` without a price where
        the budget is in dollars.
        """
        model = told.name.partition(":")[2]
        outcome, error_type, tokens = "cancelled", "cancelled", Tokens(0, 0)
        begun = time.monotonic()
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": told.operation,
            "gen_ai.provider.name": told.system,
            "gen_ai.request.model": model,
        }
        try:
            with (
                self._breakers.guarding(told.name),
                telemetry.calling(f"{told.operation} {model}", attributes) as span,
            ):
                async with self._budgets.spending(
                    told.payer, told.name, told.system, Tokens(told.most, 0)
                ) as spending:
                    try:
                        result, read = await work()
                    except ModelError as error:
                        spending.used = self._used(told, error)
                        raise
                    tokens = Tokens(read, 0) if read else estimated_tokens(told.characters)
                    spending.used = self._amount(told, tokens)
                span.set_attribute("gen_ai.usage.input_tokens", tokens.input)
            outcome, error_type = "answered", ""
        except ModelError as error:
            outcome = error_type = error.code
            if error.is_billed:
                tokens = error.tokens or estimated_tokens(told.characters)
            log.warning("model failed", model=told.name, outcome=error.code, reason=str(error))
            raise
        finally:
            seconds = time.monotonic() - begun
            labels = (told.operation, told.system, model)
            cost = self._amount(told, tokens).nano_usd / NANO
            self._metrics.count(MODEL_CALLS, told.name, outcome)
            self._metrics.record(GENAI_DURATION, seconds, *labels, error_type)
            if tokens.input:
                self._metrics.record(GENAI_TOKENS, tokens.input, *labels, "input")
            if cost:
                self._metrics.count(MODEL_COST, told.name, told.payer.tenant, by=cost)
            calls.append(
                ModelCall(
                    model=told.name,
                    outcome=outcome,
                    input_tokens=tokens.input,
                    is_estimate=tokens.is_estimate,
                    cost_usd=cost,
                    seconds=round(seconds, 3),
                )
            )
        return result

    def _used(self, told: Metered, error: ModelError) -> Amount | None:
        """Return what a call that failed has cost; None: nobody knows, so the most."""
        if not error.is_billed:
            return Amount()
        return None if error.tokens is None else self._amount(told, error.tokens)

    def _amount(self, told: Metered, tokens: Tokens) -> Amount:
        return Amount(1, self._prices.cost(told.name, told.system, tokens) or 0)
