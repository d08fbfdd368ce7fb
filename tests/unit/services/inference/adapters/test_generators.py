"""One suite over every adapter: each model answers, refuses and fails in the same words."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import pytest

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from services.inference.extractive import ExtractiveGenerator
from services.inference.generator import Draft, Generator, Task
from services.inference.models.asking import Models
from services.inference.models.breakers import Breakers
from services.inference.models.budgets import Budgets
from services.inference.models.chain import Chain
from services.inference.models.errors import ModelError, ThrottledError
from services.inference.models.model import Call, Prompt
from services.inference.models.pricing import Prices
from shared.events import Passage, RequestAccepted
from shared.release import BUILT_IN, GeneratorParameters, Release
from tests.unit.services.inference.conftest import KINDS, PATIENCE, SILENCE, opened
from tests.unit.services.inference.models.ledgers import MemoryLedger

EXTRACTIVE: Final = "extractive"
MODEL: Final = "quoting-1"
SECONDS: Final = 1.2  # for a whole call that is to fail: more than SILENCE
FEE: Final = "The late payment fee is EUR 35."
PASSAGES: Final = (
    Passage(id="1", document_id="policy", locator="p. 1", text="The ratio is 70%. It may rise."),
    Passage(id="2", document_id="faq", locator="p. 7", text=f"{FEE} It is due at once."),
)
CALL: Final = Call(MODEL, Prompt("system", "Who?"), max_output_tokens=100, seconds=PATIENCE)


def release(model: str) -> Release:
    parameters = GeneratorParameters(model=model, passages=6, sentences=3)
    return BUILT_IN.model_copy(
        update={"prompt": "grounded-1", "generator": parameters, "stronger": parameters}
    )


def task(question: str, model: str) -> Task:
    request = RequestAccepted.model_validate(
        {
            "request_id": "1",
            "request_source": "/test",
            "tenant": "acme",
            "question": question,
            "received_at": "2025-01-01T00:00:00Z",
            "release": release(model).content_hash(),
        }
    )
    return Task(request, PASSAGES, release(model))


@asynccontextmanager
async def generator(kind: str, emulator: str) -> AsyncIterator[tuple[Generator, str]]:
    """Open a generator over a provider of that kind; and what its release calls the model."""
    if kind == EXTRACTIVE:
        yield ExtractiveGenerator(), EXTRACTIVE
        return
    prices = Prices({})
    async with opened(kind, emulator) as provider:
        models = Models(
            {"provider": provider},
            Breakers(3, 5.0),
            Budgets(MemoryLedger(), prices),
            prices,
            seconds=PATIENCE,
        )
        yield Chain(models, ExtractiveGenerator()), f"provider:{MODEL}"


async def drafted(kind: str, emulator: str, question: str) -> Draft:
    async with generator(kind, emulator) as (writer, model):
        return await writer.generate(task(question, model))


async def failed(kind: str, emulator: str) -> ModelError:
    return (await failed_after(kind, emulator))[0]


async def failed_after(kind: str, emulator: str) -> tuple[ModelError, float]:
    """Return how a call fails, and after how many seconds."""
    async with opened(kind, emulator, silence=SILENCE) as provider:
        begun = time.monotonic()
        with pytest.raises(ModelError) as raised:
            await provider.complete(replace(CALL, seconds=SECONDS))
        return raised.value, time.monotonic() - begun


@pytest.mark.parametrize("kind", [*KINDS, EXTRACTIVE])
async def test_an_answer_cites_what_stands_word_for_word_in_the_passage_that_it_names(
    kind: str, emulator: str
) -> None:
    draft = await drafted(kind, emulator, "How much is the late payment fee?")

    assert draft.answer is not None
    assert draft.answer.text == FEE
    (citation,) = draft.answer.citations
    assert (citation.document_id, citation.locator, citation.quote) == ("faq", "p. 7", FEE)
    assert draft.usage.input_tokens > 0
    assert draft.usage.output_tokens > 0


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_comes_claim_by_claim_and_with_its_call(kind: str, emulator: str) -> None:
    draft = await drafted(kind, emulator, "How much is the late payment fee?")

    assert [(claim.text, claim.citations) for claim in draft.claims] == [(FEE, (0,))]
    assert draft.repairs == ()
    (call,) = draft.calls
    assert (call.model, call.outcome) == (f"provider:{MODEL}", "answered")
    assert call.input_tokens == draft.usage.input_tokens
    assert not call.is_estimate


@pytest.mark.parametrize("kind", [*KINDS, EXTRACTIVE])
async def test_what_the_passages_do_not_answer_is_refused_and_is_no_failure(
    kind: str, emulator: str
) -> None:
    draft = await drafted(kind, emulator, "Who won at chess in Reykjavik?")

    assert draft.answer is None
    assert draft.referral is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.THROTTLED, "throttled"),
        (Fault.UNAVAILABLE, "unavailable"),
        (Fault.DENIED, "denied"),
        (Fault.CONTEXT_TOO_LONG, "context_too_long"),
        (Fault.DOWN, "broken_off"),
        (Fault.RESET, "broken_off"),
        (Fault.FILTERED, "content_filtered"),
        (Fault.EMPTY, "empty"),
    ],
)
async def test_each_failure_is_told_by_the_same_name(
    kind: str, emulator: str, script: Script, fault: Fault, code: str
) -> None:
    script.tell(Behaviour(fault=fault))

    assert (await failed(kind, emulator)).code == code


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_the_protocol_is_malformed(
    kind: str, emulator: str, script: Script
) -> None:
    script.tell(Behaviour(fault=Fault.MALFORMED))

    assert (await failed(kind, emulator)).code == "malformed"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_is_never_answered_ends_in_time(
    kind: str, emulator: str, script: Script
) -> None:
    script.tell(Behaviour(fault=Fault.TIMEOUT))
    error, seconds = await failed_after(kind, emulator)

    assert error.code in {"stalled", "timed_out"}
    assert SILENCE <= seconds < 2 * SECONDS


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "not" not in kind])
async def test_silence_in_mid_answer_is_a_failure_before_the_call_is_late(
    kind: str, emulator: str, script: Script
) -> None:
    script.tell(Behaviour(fault=Fault.STALLED))
    error, seconds = await failed_after(kind, emulator)

    assert error.code == "stalled"
    assert seconds >= SILENCE


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "not" not in kind])
async def test_slow_tokens_are_waited_for_as_long_as_they_come(
    kind: str, emulator: str, script: Script
) -> None:
    script.tell(Behaviour(latency_seconds=2 * SILENCE, pieces=6))

    async with opened(kind, emulator, silence=SILENCE) as provider:
        assert (await provider.complete(CALL)).text


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_takes_longer_than_the_call_may_is_given_up(
    kind: str, emulator: str, script: Script
) -> None:
    script.tell(Behaviour(latency_seconds=1.0, pieces=20))
    async with opened(kind, emulator, silence=5.0) as provider:
        call = Call(MODEL, CALL.prompt, max_output_tokens=100, seconds=0.3)
        with pytest.raises(ModelError) as raised:
            await provider.complete(call)

    assert raised.value.code == "timed_out"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_throttled_call_says_for_how_long_to_wait(
    kind: str, emulator: str, script: Script
) -> None:
    script.tell(Behaviour(fault=Fault.THROTTLED, retry_after=7))
    error = await failed(kind, emulator)

    assert isinstance(error, ThrottledError)
    assert error.retry_after == 7


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_was_cut_says_so(kind: str, emulator: str, script: Script) -> None:
    script.tell(Behaviour(fault=Fault.CUT))

    async with opened(kind, emulator) as provider:
        assert (await provider.complete(CALL)).was_cut


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_is_not_there_is_unavailable(kind: str) -> None:
    assert (await failed(kind, "http://127.0.0.1:9")).code == "unavailable"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_call_ends_at_once(kind: str, emulator: str, script: Script) -> None:
    script.tell(Behaviour(fault=Fault.TIMEOUT))
    async with opened(kind, emulator, silence=0.2) as provider:
        calling = asyncio.create_task(provider.complete(CALL))
        while not script.calls:  # noqa: ASYNC110 - the emulator has no event for it
            await asyncio.sleep(0.01)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
