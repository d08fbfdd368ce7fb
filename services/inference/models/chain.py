"""A generator that asks the models of a release's chain in turn, until one answers.

What follows from a failure is its error's business (see `errors`): the next model is asked, or a
person, or the request waits. Nobody is asked to go round a content filter.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

from services.inference.generator import Draft, Generator, Task
from services.inference.models.asking import Models
from services.inference.models.errors import (
    ContentFilteredError,
    DeadlineError,
    ModelError,
    OverBudgetError,
)
from services.inference.models.race import Way, first
from shared.delivery.errors import OverloadedError
from shared.events import ModelCall, Referral, Usage
from shared.metrics import DRAFTS, Metrics
from shared.release import EXTRACTIVE, REVIEW

NOBODY: Final = "none"
"""The model of a draft that nothing wrote."""
_SHARE: Final = 0.5
"""Part of the time to the deadline that a model has while others come after it."""
_LAST_SHARE: Final = 0.95


@dataclass(slots=True)
class _Attempt:
    """One task on its way down the chain."""

    task: Task
    calls: list[ModelCall] = field(default_factory=list)
    failures: dict[str, ModelError] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """What went wrong, in words."""
        return "; ".join(f"{name}: {error.code}" for name, error in self.failures.items())


class Chain:
    """Implements `services.inference.generator.Generator` for whatever a release names.

    While everything in the chain that could answer is down, requests wait (`OverloadedError`).
    """

    def __init__(self, models: Models, extractive: Generator) -> None:
        self._models = models
        self._extractive = extractive
        self._metrics = Metrics()

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self._metrics = metrics
        self._models.measured(metrics)

    async def generate(self, task: Task) -> Draft:
        """See `Generator.generate`. Raises `UnknownPromptError`, too."""
        attempt = _Attempt(task)
        told = task.parameters
        models = [name for name in told.chain if _is_model(name)]
        ways = [
            Way(partial(self._answer, name, attempt, name in models[-1:]), name in models)
            for name in told.chain
        ]
        found = await first(ways, goes_on=ModelError, hedge_after=told.hedge_after_seconds)
        name, draft = found or (NOBODY, _unanswered(attempt))
        place = "fallback" if name != told.model else "primary"
        self._metrics.count(DRAFTS, name, "referred" if draft.referral else place)
        usage = draft.usage.model_copy(
            update={
                "input_tokens": draft.usage.input_tokens
                + sum(c.input_tokens for c in attempt.calls),
                "output_tokens": draft.usage.output_tokens
                + sum(c.output_tokens for c in attempt.calls),
                "cost_usd": draft.usage.cost_usd + sum(c.cost_usd for c in attempt.calls),
            }
        )
        return replace(draft, usage=usage, calls=tuple(attempt.calls))

    async def _answer(self, name: str, attempt: _Attempt, is_last: bool) -> tuple[str, Draft]:
        try:
            if name == REVIEW:
                return name, _referral("review", *_why(attempt))
            if name == EXTRACTIVE:
                return name, await self._quote(attempt)
            return name, await self._ask(name, attempt, _LAST_SHARE if is_last else _SHARE)
        except ModelError as error:
            attempt.failures[name] = error
            raise

    async def _ask(self, name: str, attempt: _Attempt, share: float) -> Draft:
        task = attempt.task
        try:
            reading = await self._models.ask(name, task, attempt.calls, share=share)
        except ContentFilteredError as error:
            return _referral("review", error.code, f"{name}: {error}")
        except OverBudgetError as error:
            budget = task.release.budget
            if budget is None or budget.over == "cheaper":
                raise
            to: Literal["review", "refusal"] = "review" if budget.over == "review" else "refusal"
            return _referral(to, error.code, str(error))
        return Draft(
            reading.answer,
            Usage(model=name),
            claims=reading.claims,
            repairs=tuple(reading.repairs),
        )

    async def _quote(self, attempt: _Attempt) -> Draft:
        """Answer by quoting; finding nothing is no answer while models that know more are down."""
        draft = await self._extractive.generate(attempt.task)
        if draft.answer is None and attempt.failures:
            raise _NothingQuotedError("quoting alone answers nothing")
        return draft


class _NothingQuotedError(ModelError):
    """The extractive model has stood in for others, and found nothing."""

    code = "nothing_quoted"
    is_fault = False
    is_outage = False


def _unanswered(attempt: _Attempt) -> Draft:
    """Return what becomes of a task that nothing has answered. Raises `OverloadedError`."""
    failures = attempt.failures
    if DeadlineError.code in {error.code for error in failures.values()}:
        reason = f"the deadline came before an answer ({attempt.told})"
        return _referral("refusal", DeadlineError.code, reason)
    if EXTRACTIVE not in failures and any(error.is_outage for error in failures.values()):
        down = [name for name, error in failures.items() if error.is_outage]
        waits = [getattr(failures[name], "retry_after", None) for name in down]
        raise OverloadedError(
            f"model {down[0]}",
            f"nothing of the release's chain can answer now ({attempt.told})",
            retry_after=min((wait for wait in waits if wait is not None), default=None),
        )
    code, reason = _why(attempt)
    is_final = EXTRACTIVE in failures or code == OverBudgetError.code
    return _referral("refusal" if is_final else "review", code, reason)


def _why(attempt: _Attempt) -> tuple[str, str]:
    """Return why nothing has answered, for machines and for people."""
    for error in attempt.failures.values():
        if isinstance(error, OverBudgetError):
            return error.code, str(error)
    return "models_failed", f"no model has answered ({attempt.told}); ask again later"


def _referral(to: Literal["review", "refusal"], code: str, reason: str) -> Draft:
    return Draft(None, Usage(model=NOBODY), referral=Referral(to=to, code=code, reason=reason))


def _is_model(name: str) -> bool:
    return name not in {EXTRACTIVE, REVIEW}
