"""One model is asked: guarded by its breaker, paid from a budget, counted and traced."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.inference.generator import Task
from services.inference.models.breakers import Breakers
from services.inference.models.budgets import Amount, Budgets, Payer, Spending, most_of
from services.inference.models.claims import Reading, read
from services.inference.models.deadline import time_for
from services.inference.models.errors import (
    DeadlineError,
    ModelError,
    StalledError,
    TimedOutError,
    UnknownProviderError,
    UnusableError,
)
from services.inference.models.model import Call, Completion, Provider, Tokens, estimated
from services.inference.models.pricing import NANO, Prices
from services.inference.models.prompts import prompt
from services.inference.models.spans import CHAT, answer_attributes, call_attributes
from shared import telemetry
from shared.events import ModelCall
from shared.metrics import (
    GENAI_DURATION,
    GENAI_TOKENS,
    MODEL_BREAKER_OPEN,
    MODEL_CALLS,
    MODEL_COST,
    Metrics,
)

_OUTPUT_TOKENS: Final = 1024
"""The most that a model may write where its release does not say."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Outcome:
    """What becomes of a call, as far as it is known."""

    code: str = "cancelled"
    tokens: Tokens = field(default_factory=lambda: Tokens(0, 0))
    nano_usd: int = 0


class Models:
    """The models of all providers. One call may take `seconds`, or what its deadline leaves."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        breakers: Breakers,
        budgets: Budgets,
        prices: Prices,
        *,
        seconds: float,
    ) -> None:
        self._providers = providers
        self._breakers = breakers
        self._budgets = budgets
        self._prices = prices
        self._seconds = seconds
        self._metrics = Metrics()
        self._unpriced: set[str] = set()

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self._metrics = metrics
        metrics.read_from(
            MODEL_BREAKER_OPEN,
            lambda: {(name,): is_open for name, is_open in self._breakers.known.items()},
        )

    async def ask(self, name: str, task: Task, calls: list[ModelCall], *, share: float) -> Reading:
        """Ask the model `name`; whatever comes of it is added to `calls`.

        It has `share` of the time that the asker's deadline leaves. Raises a `ModelError`, and
        `UnknownPromptError`.
        """
        outcome = _Outcome()
        begun = time.monotonic()
        try:
            reading = await self._asked(name, task, outcome, share)
            outcome.code = "answered"
        except ModelError as error:
            outcome.code = error.code
            log.warning("model failed", model=name, outcome=error.code, reason=str(error))
            raise
        finally:
            self._metrics.count(MODEL_CALLS, name, outcome.code)
            cost = outcome.nano_usd / NANO
            if outcome.nano_usd:
                self._metrics.count(MODEL_COST, name, task.request.tenant, by=cost)
            calls.append(
                ModelCall(
                    model=name,
                    outcome=outcome.code,
                    input_tokens=outcome.tokens.input,
                    output_tokens=outcome.tokens.output,
                    is_estimate=outcome.tokens.is_estimate,
                    cost_usd=cost,
                    seconds=round(time.monotonic() - begun, 3),
                )
            )
        return reading

    async def _asked(self, name: str, task: Task, outcome: _Outcome, share: float) -> Reading:
        provider_name, _, model = name.partition(":")
        provider = self._providers.get(provider_name)
        if provider is None:
            raise UnknownProviderError(provider_name, self._providers)
        told = task.parameters
        call = Call(
            model=model,
            prompt=prompt(task.release.prompt).fill(task),
            max_output_tokens=told.max_output_tokens or _OUTPUT_TOKENS,
            seconds=time_for(task.request, self._seconds, share=share),
            temperature=told.temperature,
            is_last=name == told.chain[-1],
        )
        payer = Payer(task.request.tenant, task.request.release, task.release.budget)
        with self._breakers.guarding(name):
            async with self._budgets.spending(
                payer, name, provider.system, most_of(call)
            ) as spending:
                completion = await self._completed(name, provider, call, outcome, spending)
            if completion.was_cut:
                raise UnusableError(
                    f"{name} was not done after {call.max_output_tokens} tokens: raise "
                    "max_output_tokens in the release"
                )
            return read(completion.text, task.passages)

    async def _completed(
        self, name: str, provider: Provider, call: Call, outcome: _Outcome, spending: Spending
    ) -> Completion:
        outcome.tokens = estimated(call)  # until it is known; a cancelled call stays at that
        code = "cancelled"
        begun = time.monotonic()
        try:
            with telemetry.calling(
                f"{CHAT} {call.model}", call_attributes(provider.system, call)
            ) as span:
                completion = await provider.complete(call)
                outcome.tokens = completion.tokens
                span.set_attributes(answer_attributes(completion, call))
            code = ""
        except ModelError as error:
            code = error.code
            outcome.tokens = error.tokens or (estimated(call) if error.is_billed else Tokens(0, 0))
            if not error.is_billed:
                spending.used = Amount()
            elif error.tokens is not None:
                spending.used = self._amount(name, provider.system, outcome)
            if isinstance(error, TimedOutError) and self._is_short(call, error):
                raise DeadlineError("the asker's deadline came before the answer") from error
            raise
        else:
            spending.used = self._amount(name, provider.system, outcome)
            return completion
        finally:
            outcome.nano_usd = self._amount(name, provider.system, outcome).nano_usd
            labels = (CHAT, provider.system, call.model)
            self._metrics.record(GENAI_DURATION, time.monotonic() - begun, *labels, code)
            if outcome.tokens.input:
                self._metrics.record(GENAI_TOKENS, outcome.tokens.input, *labels, "input")
                self._metrics.record(GENAI_TOKENS, outcome.tokens.output, *labels, "output")

    def _amount(self, name: str, system: str, outcome: _Outcome) -> Amount:
        cost = self._prices.cost(name, system, outcome.tokens)
        if cost is None and name not in self._unpriced:
            self._unpriced.add(name)
            log.warning("price unknown, counted as 0", model=name, advice="see GLIDESLOPE_PRICES")
        return Amount(1, cost or 0)

    def _is_short(self, call: Call, error: TimedOutError) -> bool:
        """Whether a call ran out of time because the asker had no more to give."""
        return call.seconds < self._seconds and not isinstance(error, StalledError)
