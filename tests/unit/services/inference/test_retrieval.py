"""Passages are found by whatever models answer; what fails makes them worse, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeter
from structlog.testing import capture_logs

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.ledger import SqliteLedger
from services.inference.adapters.models import SettledGenerator
from services.inference.drafting import draft
from services.inference.index import Index
from services.inference.models.budgets import Account, Amount
from services.inference.models.pricing import NANO, Price
from services.inference.retrieval import Retrieval, Retrieved
from services.inference.settings import InferenceSettings
from services.inference.vectors import DocumentVectors
from shared.events import DocumentAccepted, Passage, RequestAccepted
from shared.metrics import MODEL_COST, RETRIEVAL_DEGRADED, Metrics
from shared.release import BUILT_IN, Budget, Release
from shared.retrieval import EmbedderParameters, RerankerParameters

FEE = "The late payment fee is EUR 35."
WAIVED = "Nobody who asks is charged in the first month."
NOISE = "The late payment of a fee: late payment, fee, late payment, fee."
EMBEDDER = EmbedderParameters(model="p:embedding", dimensions=64, shortened=True)
RERANKER = RerankerParameters(model="p:rerank", candidates=10)


def release(*, passages: int = 2, **changes: Any) -> Release:
    generator = BUILT_IN.generator.model_copy(update={"passages": passages})
    return BUILT_IN.model_copy(update={"generator": generator, **changes})


def request(question: str, *, seconds: float | None = None) -> RequestAccepted:
    return RequestAccepted(
        request_id="1",
        request_source="/test",
        tenant="acme",
        question=question,
        received_at=datetime(2025, 1, 1, tzinfo=UTC),
        release="r",
        deadline=None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds),
    )


def document(*texts: str, name: str = "faq") -> DocumentAccepted:
    return DocumentAccepted(
        document_id=name,
        tenant="acme",
        passages=tuple(
            Passage(id=str(n), document_id=name, locator=f"p. {n}", text=text)
            for n, text in enumerate(texts)
        ),
    )


class Only:
    def __init__(self, index: Index) -> None:
        self._index = index

    async def of(self, _release: Release) -> Index:
        return self._index


class Subject:
    """Retrieval over an index of its own, with models of the emulator."""

    def __init__(self, generator: SettledGenerator, index: EdgeIndex) -> None:
        self.generator = generator
        self.index = index
        self.metrics = Metrics(NoOpMeter(""))
        self.retrieval = self.within(30)
        generator.measured(self.metrics)

    def within(self, seconds: float) -> Retrieval:
        retrieval = Retrieval(
            Only(self.index), self.generator.embedding, self.generator.reranking, seconds=seconds
        )
        retrieval.measured(self.metrics)
        return retrieval

    def vectors(self) -> DocumentVectors:
        return DocumentVectors(self.index, EMBEDDER, self.generator.embedding, seconds=30)

    async def found(self, question: str, release: Release, **more: Any) -> Retrieved:
        return await self.retrieval.retrieve(request(question, **more), release, 1)


@pytest.fixture
async def subject(emulator: str, tmp_path: Path) -> AsyncIterator[Subject]:
    async with opened(emulator, tmp_path) as subject:
        subject.index.replace(document(FEE, WAIVED, NOISE))
        await subject.vectors().add([document(FEE, WAIVED, NOISE)])
        yield subject


@asynccontextmanager
async def opened(emulator: str, folder: Path) -> AsyncIterator[Subject]:
    settings = InferenceSettings(
        home=folder,
        providers={"p": {"kind": "openai", "base_url": f"{emulator}/v1"}},
        prices={"p": Price(input=1000, output=0)},
        breaker_recovery_seconds=0.05,
    )
    generator = SettledGenerator(settings)
    with EdgeIndex(folder / "index", EMBEDDER.dimensions) as index:
        async with generator.opened():
            yield Subject(generator, index)


def texts(found: Retrieved) -> Sequence[str]:
    return [passage.text for passage in found.passages]


async def test_without_models_words_decide_and_nobody_is_called(subject: Subject) -> None:
    found = await subject.found("Is a fee charged in the first month?", release(passages=1))

    assert (found.calls, found.degraded) == ((), ())


async def test_an_embedder_finds_what_shares_only_what_bm25_does_not_look_at(
    subject: Subject,
) -> None:
    question = "Who is it in?"  # stop words, all of them
    found = await subject.found(question, release(passages=1, embedder=EMBEDDER))

    assert texts(await subject.found(question, release())) == []
    assert texts(found) == [WAIVED]
    (call,) = found.calls
    assert (call.model, call.outcome) == ("p:embedding", "answered")
    assert call.cost_usd == pytest.approx(call.input_tokens / 1000)


async def test_a_reranker_decides_which_candidates_are_read(subject: Subject) -> None:
    question = "What is the late payment fee?"
    found = await subject.found(question, release(passages=1, reranker=RERANKER))

    assert texts(found) == [FEE]
    assert [call.model for call in found.calls] == ["p:rerank"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.UNAVAILABLE, "unavailable"),
        (Fault.THROTTLED, "throttled"),
        (Fault.MALFORMED, "malformed"),
        (Fault.TIMEOUT, "timed_out"),
        (Fault.DENIED, "denied"),
    ],
)
async def test_models_that_fail_are_gone_without_and_it_is_said(
    subject: Subject, script: Script, fault: Fault, code: str
) -> None:
    script.tell(Behaviour(fault=fault))
    if fault is Fault.TIMEOUT:
        subject.retrieval = subject.within(0.2)
    whole = release(embedder=EMBEDDER, reranker=RERANKER)
    with capture_logs():
        found = await subject.found("What is the late payment fee?", whole)

    assert texts(found) == texts(await subject.found("What is the late payment fee?", release()))
    assert found.degraded == (f"embedder: {code}", f"reranker: {code}")
    assert subject.metrics.counted(RETRIEVAL_DEGRADED) == {
        ("embedder", code): 1,
        ("reranker", code): 1,
    }


async def test_a_provider_that_the_settings_do_not_have_is_gone_without(subject: Subject) -> None:
    elsewhere = EMBEDDER.model_copy(update={"model": "nowhere:embedding"})
    found = await subject.found("What is the late payment fee?", release(embedder=elsewhere))

    assert texts(found) != []
    assert found.degraded == ("embedder: denied",)


async def test_an_embedder_that_was_replaced_by_one_of_another_length_is_gone_without(
    subject: Subject,
) -> None:
    own = EMBEDDER.model_copy(update={"shortened": None})  # the emulator's have 1536
    with capture_logs() as logs:
        found = await subject.found("What is the late payment fee?", release(embedder=own))

    assert found.degraded == ("embedder: denied",)
    assert "1536" in str(logs)


async def test_a_deadline_that_is_near_leaves_no_time_for_models(
    subject: Subject, script: Script
) -> None:
    script.tell(Behaviour(latency_seconds=5))
    found = await subject.found(
        "What is the late payment fee?", release(embedder=EMBEDDER), seconds=1
    )
    past = await subject.found(
        "What is the late payment fee?", release(embedder=EMBEDDER), seconds=-1
    )

    assert found.degraded == ("embedder: timed_out",)
    assert past.degraded == ("embedder: deadline",)


async def test_what_retrieval_took_is_in_the_drafts_usage_and_in_the_metrics(
    subject: Subject,
) -> None:
    told = release(embedder=EMBEDDER, reranker=RERANKER)
    made = await draft(request("What is the fee?"), told, subject.retrieval, subject.generator)

    assert [call.model for call in made.calls] == ["p:embedding", "p:rerank"]
    cost = sum(call.cost_usd for call in made.calls)
    assert made.usage.cost_usd == pytest.approx(cost)
    assert made.usage.model == "extractive-1"
    counted = subject.metrics.counted(MODEL_COST)
    assert counted["p:rerank", "acme"] == pytest.approx(made.calls[1].cost_usd)


PAID: dict[str, Any] = {"embedder": EMBEDDER, "reranker": RERANKER}
QUESTION = "What is the late payment fee?"


async def spent(folder: Path) -> Amount:
    ledger = SqliteLedger(folder / "budgets.db")
    async with ledger.opened():
        return await ledger.spent(Account.of_today("acme", "r"))


async def test_retrieval_is_paid_from_the_budget_of_the_release_to_the_last_nano_dollar(
    subject: Subject, tmp_path: Path
) -> None:
    found = await subject.found(QUESTION, release(**PAID, budget=Budget(usd=10, calls=2)))

    assert found.degraded == ()
    cost = sum(round(call.cost_usd * NANO) for call in found.calls)
    assert await spent(tmp_path) == Amount(2, cost)


async def test_of_64_questions_at_once_a_hundred_calls_are_made_and_never_one_more(
    subject: Subject, script: Script
) -> None:
    before = script.calls.total()
    told = release(**PAID, budget=Budget(calls=100))
    with capture_logs():
        found = await asyncio.gather(*(subject.found(QUESTION, told) for _ in range(64)))

    assert script.calls.total() - before == 100
    assert sum(len(each.degraded) for each in found) == 2 * 64 - 100
    assert {part.partition(": ")[2] for each in found for part in each.degraded} == {"over_budget"}
    assert all(texts(each) for each in found)


async def test_what_a_call_may_cost_at_the_most_has_to_fit_before_it_is_made(
    subject: Subject, script: Script, tmp_path: Path
) -> None:
    before = script.calls.total()
    with capture_logs():
        found = await subject.found(QUESTION, release(**PAID, budget=Budget(usd=0.02)))

    assert found.degraded == ("embedder: over_budget", "reranker: over_budget")
    assert texts(found) == texts(await subject.found(QUESTION, release()))
    assert script.calls.total() == before
    assert await spent(tmp_path) == Amount()


async def test_a_failed_call_that_nobody_bills_is_given_back(
    subject: Subject, script: Script, tmp_path: Path
) -> None:
    script.tell(Behaviour(fault=Fault.UNAVAILABLE))
    with capture_logs():
        await subject.found(QUESTION, release(**PAID, budget=Budget(calls=5)))

    assert await spent(tmp_path) == Amount()


async def test_documents_are_embedded_in_batches_each_for_one_tenant(
    subject: Subject, script: Script
) -> None:
    before = script.calls.total()
    many = [document(*(f"Clause {n}.{i}" for i in range(10)), name=f"d{n}") for n in range(20)]
    other = document("Clause.", name="o").model_copy(update={"tenant": "bravo"})
    for each in (*many, other):
        subject.index.replace(each)
    await subject.vectors().add([*many, other])

    assert not any(map(subject.index.lacks_vectors, (*many, other)))
    assert script.calls.total() - before == 5  # 200 passages, 6 documents a time, and bravo's


async def test_an_embedder_that_comes_back_has_lost_nothing(
    subject: Subject, script: Script
) -> None:
    new = document("Clause 1.", name="new")
    subject.index.replace(new)
    script.tell(Behaviour(fault=Fault.UNAVAILABLE, times=2))
    vectors = subject.vectors()
    with capture_logs():
        await vectors.add([new])

    assert not subject.index.lacks_vectors(new)
    assert (vectors.trouble, vectors.refused) == ("", 0)


async def test_of_several_documents_only_the_one_that_is_refused_goes_without(
    subject: Subject, script: Script
) -> None:
    several = [document(f"Clause {n}.", name=f"d{n}") for n in range(3)]
    for each in several:
        subject.index.replace(each)
    script.tell(Behaviour(fault=Fault.CONTEXT_TOO_LONG, times=2))  # all together, then the first
    vectors = subject.vectors()
    with capture_logs() as logs:
        await vectors.add(several)

    assert [subject.index.lacks_vectors(each) for each in several] == [True, False, False]
    assert vectors.refused == 1
    assert [log["document"] for log in logs if log["event"] == "document_unembedded"] == ["d0"]
