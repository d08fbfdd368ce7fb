"""The chain over providers that do as the test says; the wire has a suite of its own."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from services.inference.extractive import ExtractiveGenerator
from services.inference.generator import Draft, Rejected, Task
from services.inference.models.asking import Models
from services.inference.models.breakers import Breakers
from services.inference.models.budgets import Account, Amount, Budgets, Ledger
from services.inference.models.chain import Chain
from services.inference.models.errors import (
    ContentFilteredError,
    ContextTooLongError,
    ModelError,
    StalledError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from services.inference.models.model import Call, Completion, Tokens
from services.inference.models.pricing import NANO, Price, Prices
from shared.delivery import OverloadedError
from shared.events import Answer, Passage, RequestAccepted, Verdict
from shared.release import BUILT_IN, Budget, GeneratorParameters, Release
from tests.unit.services.inference.models.ledgers import MemoryLedger

FEE: Final = "The late payment fee is EUR 35."
PASSAGES: Final = (Passage(id="1", document_id="faq", locator="p. 1", text=FEE),)
QUESTION: Final = "How much is the late payment fee?"
UNKNOWN: Final = "Who won at chess in Reykjavik?"
CLAIM: Final = {"text": FEE, "citations": [{"passage": 1, "quote": FEE}]}
REPLY: Final = json.dumps({"answerable": True, "claims": [CLAIM]})
DOWN: Final = UnavailableError("down")

Does = str | ModelError | Callable[[Call], Any]


class Scripted:
    """A provider whose models do what is scripted, once each and the last for ever."""

    system = "scripted"

    def __init__(self, **scripts: Sequence[Does]) -> None:
        self._scripts = {name: list(script) for name, script in scripts.items()}
        self.calls: list[Call] = []

    async def complete(self, call: Call) -> Completion:
        self.calls.append(call)
        script = self._scripts[call.model]
        does = script.pop(0) if len(script) > 1 else script[0]
        if callable(does):
            does = await does(call)
        if isinstance(does, ModelError):
            raise does
        return Completion(str(does), Tokens(100, 10))

    @property
    def asked(self) -> list[str]:
        return [call.model for call in self.calls]


def release(*chain: str, budget: Budget | None = None, **more: Any) -> Release:
    first, *fallbacks = chain
    parameters = GeneratorParameters(
        model=first, passages=6, sentences=3, fallbacks=tuple(fallbacks) or None, **more
    )
    stronger = parameters.model_copy(update={"model": "p:strong", "fallbacks": None})
    return BUILT_IN.model_copy(
        update={
            "prompt": "grounded-1",
            "generator": parameters,
            "stronger": stronger,
            "budget": budget,
        }
    )


def task(
    release: Release, question: str = QUESTION, *, seconds: float | None = None, **more: Any
) -> Task:
    deadline = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    request = RequestAccepted.model_validate(
        {
            "request_id": "1",
            "request_source": "/test",
            "tenant": "acme",
            "question": question,
            "deadline": deadline,
            "received_at": "2025-01-01T00:00:00Z",
            "release": release.content_hash(),
        }
    )
    return Task(request, PASSAGES, release, **more)


def chain(provider: Scripted, ledger: Ledger | None = None, *, seconds: float = 5.0) -> Chain:
    prices = Prices({"p": Price(input=10, output=100)})
    models = Models(
        {"p": provider},
        Breakers(3, 60.0),
        Budgets(ledger or MemoryLedger(), prices),
        prices,
        seconds=seconds,
    )
    return Chain(models, ExtractiveGenerator())


async def drafted(provider: Scripted, task: Task, ledger: MemoryLedger | None = None) -> Draft:
    with capture_logs():
        return await chain(provider, ledger).generate(task)


async def test_the_first_model_answers_and_its_tokens_are_priced() -> None:
    provider = Scripted(a=[REPLY])
    draft = await drafted(provider, task(release("p:a", "extractive", temperature=0.5)))

    assert draft.answer is not None
    assert draft.answer.text == FEE
    assert draft.usage.model == "p:a"
    assert (draft.usage.input_tokens, draft.usage.output_tokens) == (100, 10)
    assert draft.usage.cost_usd == pytest.approx(0.002)
    assert provider.calls[0].temperature == 0.5


@pytest.mark.parametrize(
    "failure",
    [
        DOWN,
        ThrottledError("slower"),
        TimedOutError("late"),
        ContextTooLongError("long"),
        "no JSON",
        "{}",
    ],
)
async def test_whatever_is_wrong_with_a_model_the_next_one_is_asked(failure: Does) -> None:
    provider = Scripted(a=[failure], b=[REPLY])
    draft = await drafted(provider, task(release("p:a", "p:b", "extractive")))

    assert provider.asked == ["a", "b"]
    assert draft.answer is not None
    assert draft.usage.model == "p:b"
    assert [call.outcome for call in draft.calls][1:] == ["answered"]
    assert draft.calls[0].outcome != "answered"


async def test_an_honest_no_is_an_answer_and_nobody_else_is_asked() -> None:
    provider = Scripted(a=['{"answerable": false, "claims": []}'], b=[REPLY])
    draft = await drafted(provider, task(release("p:a", "p:b", "extractive", "review")))

    assert provider.asked == ["a"]
    assert (draft.answer, draft.referral) == (None, None)


async def test_quoting_answers_when_every_model_is_down() -> None:
    draft = await drafted(Scripted(a=[DOWN]), task(release("p:a", "extractive")))

    assert draft.answer is not None
    assert draft.answer.text == FEE
    assert draft.usage.model == "extractive-1"
    assert [call.outcome for call in draft.calls] == ["unavailable"]


async def test_quoting_nothing_while_models_are_down_is_no_word_on_the_documents() -> None:
    provider = Scripted(a=[DOWN])
    refused = await drafted(provider, task(release("p:a", "extractive"), UNKNOWN))
    reviewed = await drafted(provider, task(release("p:a", "extractive", "review"), UNKNOWN))

    assert refused.referral is not None
    assert (refused.referral.to, refused.referral.code) == ("refusal", "models_failed")
    assert "ask again later" in refused.referral.reason
    assert reviewed.referral is not None
    assert reviewed.referral.to == "review"


async def test_requests_wait_while_all_that_could_answer_is_down() -> None:
    provider = Scripted(a=[DOWN], b=[ThrottledError("slower", retry_after=7)])
    with pytest.raises(OverloadedError, match="p:b: throttled") as raised:
        await drafted(provider, task(release("p:a", "p:b")))

    assert raised.value.dependency == "model p:a"
    assert raised.value.retry_after == 7


async def test_a_person_answers_at_once_where_the_chain_ends_in_review() -> None:
    draft = await drafted(Scripted(a=[DOWN]), task(release("p:a", "review")))

    assert draft.answer is None
    assert draft.referral is not None
    assert (draft.referral.to, draft.referral.code) == ("review", "models_failed")


async def test_a_person_answers_what_every_model_fails_at_for_good() -> None:
    provider = Scripted(a=[ContextTooLongError("long")], b=["no JSON"])
    draft = await drafted(provider, task(release("p:a", "p:b")))

    assert draft.referral is not None
    assert draft.referral.to == "review"
    assert "p:a: context_too_long; p:b: unusable" in draft.referral.reason


async def test_nobody_is_asked_to_go_round_a_content_filter() -> None:
    provider = Scripted(a=[ContentFilteredError("filtered")], b=[REPLY])
    draft = await drafted(provider, task(release("p:a", "p:b", "extractive")))

    assert provider.asked == ["a"]
    assert draft.referral is not None
    assert (draft.referral.to, draft.referral.code) == ("review", "content_filtered")


async def test_a_model_that_fails_time_and_again_is_not_asked_again_for_a_while() -> None:
    provider = Scripted(a=[DOWN], b=[REPLY])
    generator = chain(provider)
    with capture_logs():
        for _ in range(10):
            last = await generator.generate(task(release("p:a", "p:b")))

    assert Counter(provider.asked) == {"a": 3, "b": 10}
    assert [call.outcome for call in last.calls] == ["breaker_open", "answered"]


async def test_a_release_that_names_a_provider_nobody_set_up_says_so() -> None:
    with capture_logs() as logs:
        draft = await chain(Scripted()).generate(task(release("nowhere:a", "extractive")))

    assert draft.calls[0].outcome == "denied"
    assert "GLIDESLOPE_PROVIDERS" in logs[0]["reason"]


async def test_a_second_try_is_the_stronger_models_and_is_told_what_failed() -> None:
    provider = Scripted(strong=[REPLY])
    failed = Verdict(name="figures", verdict="failed", score=0, reason="'36' stands nowhere")
    rejected = Rejected(Answer(text="It is 36."), (failed,))
    draft = await drafted(provider, task(release("p:a"), attempt=2, rejected=rejected))

    assert draft.usage.model == "p:strong"
    assert "'36' stands nowhere" in provider.calls[0].prompt.user


# ── deadlines and hedging ─────────────────────────────────────────────────────────────────────


async def test_the_time_to_the_deadline_is_shared_along_the_chain() -> None:
    provider = Scripted(a=[DOWN], b=[REPLY])
    await drafted(provider, task(release("p:a", "p:b"), seconds=4))

    first, last = (call.seconds for call in provider.calls)
    assert 1.5 < first <= 2
    assert 3 < last <= 4


@pytest.mark.parametrize("rest", [(), ("p:b",)])
async def test_after_the_deadline_nobody_is_asked_and_the_asker_is_told(
    rest: tuple[str, ...],
) -> None:
    provider = Scripted(a=[REPLY], b=[REPLY])
    draft = await drafted(provider, task(release("p:a", *rest), seconds=-1))

    assert provider.asked == []
    assert draft.referral is not None
    assert (draft.referral.to, draft.referral.code) == ("refusal", "deadline")


async def test_a_model_that_had_too_little_time_is_not_taken_for_a_broken_one() -> None:
    provider = Scripted(a=[TimedOutError("late")], b=[REPLY])
    generator = chain(provider)
    with capture_logs():
        for _ in range(5):
            draft = await generator.generate(task(release("p:a", "p:b"), seconds=2))

    assert draft.calls[0].outcome == "deadline"
    assert Counter(provider.asked)["a"] == 5


async def test_a_model_that_stalls_is_a_broken_one_whatever_the_deadline() -> None:
    provider = Scripted(a=[StalledError(1)], b=[REPLY])
    generator = chain(provider)
    with capture_logs():
        for _ in range(5):
            await generator.generate(task(release("p:a", "p:b"), seconds=2))

    assert Counter(provider.asked)["a"] == 3


async def test_a_slow_model_is_hedged_only_where_the_release_says_so() -> None:
    async def slow(_: Call) -> str:
        await asyncio.sleep(0.2)
        return REPLY

    provider = Scripted(a=[slow], b=[REPLY])
    patient = await drafted(provider, task(release("p:a", "p:b")))
    hedged = await drafted(provider, task(release("p:a", "p:b", hedge_after_seconds=0.02)))

    assert (patient.usage.model, hedged.usage.model) == ("p:a", "p:b")
    assert sorted(call.outcome for call in hedged.calls) == ["answered", "cancelled"]
    assert hedged.usage.cost_usd > patient.usage.cost_usd


# ── budgets ───────────────────────────────────────────────────────────────────────────────────


async def test_of_64_callers_at_once_a_budget_of_100_calls_lets_100_through() -> None:
    provider = Scripted(a=[REPLY])
    generator = chain(provider)
    asked = task(release("p:a", "extractive", budget=Budget(calls=100)))

    writers: Counter[str] = Counter()

    async def caller() -> None:
        for _ in range(5):
            writers[(await generator.generate(asked)).usage.model] += 1

    with capture_logs():
        await asyncio.gather(*(caller() for _ in range(64)))

    assert len(provider.calls) == 100
    assert writers == {"p:a": 100, "extractive-1": 220}


@pytest.mark.parametrize(
    ("over", "rest", "to"),
    [
        ("review", ("extractive",), "review"),
        ("refuse", ("extractive",), "refusal"),
        ("cheaper", (), "refusal"),
        ("cheaper", ("review",), "review"),
    ],
)
async def test_over_budget_it_goes_where_the_release_says_with_the_reason(
    over: Any, rest: tuple[str, ...], to: str
) -> None:
    provider = Scripted(a=[REPLY])
    asked = task(release("p:a", *rest, budget=Budget(calls=0, over=over)))
    draft = await drafted(provider, asked)

    assert provider.asked == []
    assert draft.answer is None
    assert draft.referral is not None
    assert draft.referral.to == to
    assert "budget" in draft.referral.reason


async def test_over_budget_a_cheaper_model_that_still_fits_answers() -> None:
    prices = Prices({"p:dear": Price(input=1000, output=1000), "p:cheap": Price(input=1, output=1)})
    provider = Scripted(dear=[REPLY], cheap=[REPLY])
    models = Models(
        {"p": provider}, Breakers(3, 60.0), Budgets(MemoryLedger(), prices), prices, seconds=5
    )
    asked = task(release("p:dear", "p:cheap", budget=Budget(usd=0.05)))
    with capture_logs():
        draft = await Chain(models, ExtractiveGenerator()).generate(asked)

    assert draft.usage.model == "p:cheap"
    assert [call.outcome for call in draft.calls] == ["over_budget", "answered"]


async def test_the_budget_is_settled_by_what_calls_took_and_unbilled_ones_are_free() -> None:
    ledger = MemoryLedger()
    provider = Scripted(a=[DOWN], b=[REPLY])
    asked = task(release("p:a", "p:b", budget=Budget(usd=1)))
    draft = await drafted(provider, asked, ledger)

    spent = await ledger.spent(Account.of_today("acme", asked.release.content_hash()))
    assert spent == Amount(1, round(draft.usage.cost_usd * NANO))
