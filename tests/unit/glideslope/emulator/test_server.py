"""The emulator, spoken to by clients that know nothing of it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.server import serving

PROMPT = (
    '<passage number="1" document="faq">\nThe late payment fee is EUR 35.\n</passage>\n'
    "<question>\nHow much is the late payment fee?\n</question>"
)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with serving() as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def ask(client: httpx.AsyncClient, model: str = "m", prompt: str = PROMPT) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    return await client.post("/v1/chat/completions", json=body)


def said(response: httpx.Response) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(response.json()["choices"][0]["message"]["content"])
    return content


async def test_it_quotes_what_the_prompt_shows(client: httpx.AsyncClient) -> None:
    quote = "The late payment fee is EUR 35."

    assert said(await ask(client)) == {
        "answerable": True,
        "claims": [{"text": quote, "citations": [{"passage": 1, "quote": quote}]}],
    }


async def test_it_ranks_by_shared_words_the_best_first(client: httpx.AsyncClient) -> None:
    body = {"model": "r", "query": "late fee", "documents": ["Loans.", "A late fee."], "top_n": 2}
    told = (await client.post("/v1/rerank", json=body)).json()

    assert [result["index"] for result in told["results"]] == [1, 0]
    assert told["results"][0]["relevance_score"] > told["results"][1]["relevance_score"] == 0


async def test_it_says_so_when_the_passages_hold_no_answer(client: httpx.AsyncClient) -> None:
    assert said(await ask(client, prompt="Who won?")) == {"answerable": False, "claims": []}


async def test_it_behaves_as_it_is_told_model_by_model_and_as_often_as_told(
    client: httpx.AsyncClient,
) -> None:
    told = [{"model": "small-*", "fault": "throttled", "times": 2, "retry_after": 3}]
    assert (await client.put("/emulator", json=told)).status_code == 200
    answers = [await ask(client, "small-1") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert (await ask(client, "large")).status_code == 200
    assert (await client.get("/emulator")).json()["calls"] == [
        {"model": "large", "fault": "none", "calls": 1},
        {"model": "small-1", "fault": "none", "calls": 1},
        {"model": "small-1", "fault": "throttled", "calls": 2},
    ]


async def test_a_wrong_answer_has_a_number_that_its_quote_has_not(
    client: httpx.AsyncClient,
) -> None:
    await client.put("/emulator", json=[{"fault": "wrong"}])
    (claim,) = said(await ask(client))["claims"]

    assert claim["text"] != claim["citations"][0]["quote"]


@pytest.mark.parametrize("body", [b"{", b'[{"fault": "sulking"}]', b'[{"share": 2}]'])
async def test_what_it_cannot_be_told_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    assert (await client.put("/emulator", content=body)).status_code == 400


async def test_what_it_does_not_have_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/models")).status_code == 404
    assert (await client.post("/v1/chat/completions", content=b"{}")).status_code == 400


def test_a_share_of_the_calls_fails_and_answers_take_their_time() -> None:
    script = Script(Behaviour(fault=Fault.EMPTY, share=0.3, latency_seconds=0.5, sigma=0.6))
    drawn = [script.next("m") for _ in range(4000)]

    assert 0.27 < sum(fault is Fault.EMPTY for fault, _, _ in drawn) / 4000 < 0.33
    assert 0.47 < sum(seconds for _, _, seconds in drawn) / 4000 < 0.53
