"""`glideslope review` through the API, over HTTP."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner, Result

from glideslope.commands.review import app
from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.reviews import SqlReviews
from services.review.api import queue_api
from services.review.identity import Identity, Role
from shared import web
from shared.events import Verdict
from shared.release import ReviewRules

Run = Callable[..., Awaitable[Result]]
ANN = Identity("ann", frozenset({Role.REVIEWER}), frozenset({"acme"}))


@pytest.fixture
async def url(empty_file: Path, tmp_path: Path) -> str:
    shutil.copy(empty_file, tmp_path / "queue.db")
    return f"sqlite+aiosqlite:///{tmp_path}/queue.db"


@pytest.fixture
async def base(
    reviews: SqlReviews, arrivals: SqlArrivals, waiting: Any, arrival: Any, clock: Any
) -> AsyncIterator[str]:
    clock.now = datetime.now(UTC)  # the command line has no other
    checked = waiting()
    await arrivals.put(arrival(checked, clock()), checked, ReviewRules())

    async def identify(request: Any) -> Identity | None:
        return ANN if request.headers.get("authorization") == "Bearer secret" else None

    site = Starlette(routes=[Mount("/api", queue_api(reviews, identify))])
    listener = socket.create_server(("127.0.0.1", 0))
    async with web.serving(site, listener) as address:
        yield address


@pytest.fixture
def run(base: str, tmp_path: Path) -> Run:
    async def run(*arguments: str, known: bool = True, url: str = base) -> Result:
        environment = {
            "GLIDESLOPE_REVIEW_URL": url,
            "GLIDESLOPE_REVIEW_TOKEN": ("secret" if known else "other") if url else "",
            "GLIDESLOPE_HOME": str(tmp_path),
        }
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)

    return run


async def test_an_item_is_listed_shown_and_approved(run: Run) -> None:
    listed = await run("list", "--json")
    assert [each["request_id"] for each in json.loads(listed.stdout)] == ["1"]
    assert "How much was it?" in (await run("list")).stdout
    assert "It was 12 million." in (await run("show", "1")).stdout
    assert (await run("approve", "1")).stdout == "1 approved by ann\n"
    assert (await run("list")).stdout == "nothing waits for a person\n"
    again = await run("approve", "1")
    assert again.exit_code == 4
    assert "decided" in again.stderr


async def test_an_edit_that_fails_a_check_is_let_out_only_if_that_is_accepted(
    run: Run, reviews: SqlReviews, arrivals: SqlArrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose = reviews.propose

    async def checked_at_once(*given: Any) -> Any:
        edit = await propose(*given)
        failed = Verdict(name="figures", verdict="failed", score=0, reason="13 is in no passage")
        await arrivals.checked(edit.id, [failed])
        return edit

    monkeypatch.setattr(reviews, "propose", checked_at_once)
    refused = await run("edit", "1", "--answer", "It was 13 million.")
    assert refused.exit_code == 4
    assert "figures" in refused.stderr
    told = await run("edit", "1", "--answer", "It was 13 million.", "--accept", "figures", "--json")
    assert json.loads(told.stdout)["opinion"]["text"] == "It was 13 million."


async def test_another_answer_is_asked_for(run: Run) -> None:
    assert (await run("send-back", "1", "--note", "name the year")).stdout == "1 sent_back by ann\n"


async def test_an_item_is_taken_put_off_given_back_and_handed_over(run: Run) -> None:
    taken = await run("next")
    assert "How much was it?" in taken.stdout
    assert "ann has it until" in taken.stdout
    assert "free" in (await run("release", "1")).stdout
    again = await run("release", "1")
    assert again.exit_code == 4
    assert "claim it again" in again.stderr
    assert "ann has it until" in (await run("claim", "1")).stdout
    assert (await run("snooze", "1", "--hours", "2", "--note", "asks treasury")).exit_code == 0
    assert (await run("next")).stdout == "nothing that is free waits for you\n"
    assert (await run("claim", "1")).exit_code == 0
    assert (await run("hand-over", "1", "--to", "bob")).stdout == "1 is for bob\n"
    refused = await run("claim", "1")
    assert "bob has this item" in refused.stderr
    told = [each["what"] for each in json.loads((await run("history", "1", "--json")).stdout)]
    assert told[-1] == "handed it to bob"
    assert "asks treasury" in (await run("history", "1")).stdout


async def test_a_decision_is_taken_back(run: Run) -> None:
    assert (await run("undo", "1")).exit_code == 1
    assert (await run("reject", "1", "--reason", "wrong")).exit_code == 0
    assert "ann has it until" in (await run("undo", "1")).stdout
    assert (await run("approve", "1")).stdout == "1 approved by ann\n"


async def test_several_are_rejected_each_for_itself(run: Run) -> None:
    told = await run("reject", "2", "1", "--reason", "out of scope")
    assert told.stdout == "1 rejected by ann\n"
    assert "no request '2'" in told.stderr
    assert told.exit_code == 1


async def test_who_is_not_known_and_what_is_not_there_is_said(run: Run) -> None:
    stranger = await run("list", known=False)
    assert stranger.exit_code == 4
    assert "GLIDESLOPE_REVIEW_TOKEN" in stranger.stderr
    missing = await run("approve", "2")
    assert missing.exit_code == 1
    assert "no request '2'" in missing.stderr


async def test_what_needs_the_service_finds_the_one_that_runs_on_the_home(
    run: Run, base: str, tmp_path: Path
) -> None:
    for nowhere in (["next"], ["send-back", "1", "--note", "name the year"]):
        told = await run(*nowhere, url="")
        assert told.exit_code == 1
        assert "GLIDESLOPE_REVIEW_SIGN_IN=local glideslope up" in told.stderr

    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "token").write_text("secret")
    (tmp_path / "review" / "url").write_text(base)
    assert "ann has it until" in (await run("next", url="")).stdout
    sent = await run("send-back", "1", "--note", "name the year", url="")
    assert sent.stdout == "1 sent_back by ann\n"
