"""The API over a real database; who asks is a header here."""

import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database, DatabaseError
from services.review.adapters.reviews import SqlReviews
from services.review.api import nobody, queue_api
from services.review.identity import Identity, Role
from services.review.item import item_id
from shared.release import ReviewRules

ID = item_id("/desk", "1")


@pytest.fixture
async def url(empty_file: Path, tmp_path: Path) -> str:
    shutil.copy(empty_file, tmp_path / "queue.db")
    return f"sqlite+aiosqlite:///{tmp_path}/queue.db"


@pytest.fixture
async def client(
    reviews: SqlReviews, arrivals: SqlArrivals, waiting: Any, arrival: Any, clock: Any
) -> AsyncIterator[httpx.AsyncClient]:
    checked = waiting()
    await arrivals.put(arrival(checked, clock()), checked, ReviewRules())
    people = {
        "ann": Identity("ann", frozenset({Role.REVIEWER}), frozenset({"acme"})),
        "bob": Identity("bob", frozenset({Role.REVIEWER}), frozenset({"acme"})),
        "eve": Identity("eve", frozenset({Role.REVIEWER}), frozenset({"blue"})),
        "sys": Identity("sys", frozenset({Role.OPERATOR}), frozenset({"acme"})),
    }

    async def identify(request: Any) -> Identity | None:
        return people.get(request.headers.get("who", "ann"))

    transport = httpx.ASGITransport(queue_api(reviews, identify))
    async with httpx.AsyncClient(transport=transport, base_url="http://review/v1") as client:
        yield client


async def test_an_item_is_listed_read_claimed_and_decided(
    client: httpx.AsyncClient, clock: Callable[[], Any]
) -> None:
    page = (await client.get("/items")).json()
    assert [each["id"] for each in page["items"]] == [ID]
    item = (await client.get(f"/items/{ID}")).json()
    assert item["checked"]["answer"]["text"] == "It was 12 million."
    claim = (await client.post(f"/items/{ID}/claim")).json()
    under = {"token": claim["token"]}
    assert (await client.post(f"/items/{ID}/renew", json=under)).status_code == 200
    until = (clock() + timedelta(hours=1)).isoformat()
    assert (await client.post(f"/items/{ID}/snooze", json={**under, "until": until})).is_success
    again = (await client.post("/claims", params={"snoozed": True})).json()
    under = {"token": again["summary"]["claim"]["token"]}
    choice = {**under, "kind": "approved", "payload": item["payload"]}
    decided = await client.post(f"/items/{ID}/decisions", json=choice)
    assert decided.status_code == 201
    assert decided.json()["state"] == "final"
    assert (await client.get("/counts")).json()["open"] == 0
    assert (await client.get(f"/items/{ID}/history")).json()[-1]["what"] == "approved it"
    undone = await client.delete(f"/items/{ID}/decisions/{decided.json()['id']}")
    assert undone.json()["holder"] == "ann"
    refused = {"items": [{"item_id": ID, "payload": item["payload"]}], "note": "out of scope"}
    outcome = (await client.post("/rejections", json=refused)).json()
    assert outcome["refused"] == {}
    assert list(outcome["decided"]) == [ID]


async def test_each_refusal_has_its_status_and_says_what_to_do(client: httpx.AsyncClient) -> None:
    await client.post(f"/items/{ID}/claim")
    tries = [
        ("bob", "POST", f"/items/{ID}/claim", None, 409, "held"),
        ("eve", "GET", f"/items/{ID}", None, 404, "unknown"),
        ("eve", "POST", f"/items/{ID}/claim", None, 404, "unknown"),
        ("sys", "GET", "/items", None, 403, "not_allowed"),
        ("nobody", "GET", "/items", None, 401, "not_signed_in"),
        ("ann", "POST", f"/items/{ID}/renew", {"token": 99}, 409, "not_held"),
        ("ann", "POST", f"/items/{ID}/renew", {"token": "x", "more": 1}, 422, "malformed"),
        (
            "ann",
            "POST",
            f"/items/{ID}/decisions",
            {"token": 1, "kind": "approved", "payload": "0" * 64},
            409,
            "changed",
        ),
        ("ann", "POST", f"/items/{ID}/proposals", {"token": 1, "text": " "}, 422, "unfit"),
    ]
    for who, method, path, body, status, code in tries:
        answer = await client.request(method, path, json=body, headers={"who": who})
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.json()["message"]


async def test_a_database_that_does_not_answer_is_said_to_be_so(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> Any:
        raise DatabaseError(OSError("gone"))

    monkeypatch.setattr(database, "reading", absent)
    answer = await client.get("/items")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_without_a_way_to_sign_in_nobody_is_served(reviews: SqlReviews) -> None:
    transport = httpx.ASGITransport(queue_api(reviews, nobody))
    async with httpx.AsyncClient(transport=transport, base_url="http://review/v1") as client:
        for path in ("/items", "/counts", f"/items/{ID}"):
            assert (await client.get(path)).status_code == 401


async def test_every_operation_is_documented(client: httpx.AsyncClient) -> None:
    described = (await client.get("http://review/openapi.json")).json()
    operations = [each for path in described["paths"].values() for each in path.values()]
    assert len(operations) > 15
    assert all("summary" in each and "409" in each["responses"] for each in operations)
