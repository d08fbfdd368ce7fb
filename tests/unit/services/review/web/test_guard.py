"""What an attacker tries, each refused and on the record."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from services.review.adapters.sessions import SqlSessions
from services.review.web.session import Key
from shared.events import AnswerChecked
from shared.metrics import REVIEW_REFUSALS, Metrics
from tests.unit.services.review.web.office import AT, Office, token_in

Waiting = Callable[..., AnswerChecked]
Id = Callable[..., str]


async def test_an_item_of_another_tenant_is_as_unknown_as_one_that_is_not(
    office: Office, waiting: Waiting, id_of: Id
) -> None:
    await office.put(waiting("theirs", tenant="globex", question="What of Globex?"))
    browser = await office.signed_in("ada")
    token = token_in(await browser.get("/queue"))
    theirs, none = f"/items/{id_of('theirs')}", f"/items/{id_of('none')}"
    for path in (theirs, none):
        shown = await browser.get(path)
        claimed = await browser.post(f"{path}/claim", data={"csrf": token})
        called = await browser.get(f"/api/v1{path}")
        assert [each.status_code for each in (shown, claimed, called)] == [404] * 3
        assert "Globex" not in shown.text + claimed.text + called.text
    assert "Globex" not in (await browser.get("/queue?tenant=globex&status=all")).text
    assert await office.refusals() == ["unknown"] * 6


@pytest.mark.parametrize("given", [{}, {"csrf": ""}, {"csrf": "guessed"}])
async def test_a_change_without_the_pages_token_is_refused(
    office: Office, waiting: Waiting, id_of: Id, given: dict[str, str]
) -> None:
    await office.put(waiting())
    browser = await office.signed_in("ada")
    answer = await browser.post(f"/items/{id_of()}/claim", data=given)
    by_api = await browser.post(f"/api/v1/items/{id_of()}/claim")
    assert [answer.status_code, by_api.status_code] == [403, 403]
    assert await office.refusals() == ["csrf", "csrf"]


async def test_a_change_that_another_site_sends_is_refused_with_the_token_too(
    office: Office, waiting: Waiting, id_of: Id
) -> None:
    await office.put(waiting())
    browser = await office.signed_in("ada")
    token = token_in(await browser.get("/queue"))
    answer = await browser.post(
        f"/items/{id_of()}/claim",
        data={"csrf": token},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403


async def test_a_role_that_a_browser_claims_is_none(
    office: Office, waiting: Waiting, id_of: Id
) -> None:
    await office.put(waiting())
    browser = await office.signed_in("olga", "auditor")
    token = token_in(await browser.get("/queue"))
    browser.cookies.set("roles", "lead")
    answer = await browser.post(
        f"/items/{id_of()}/claim",
        data={"csrf": token, "roles": "lead", "role": "reviewer"},
        headers={"x-roles": "lead"},
    )
    assert answer.status_code == 403
    assert await office.refusals() == ["not_allowed"]


async def test_an_operator_sees_counts_and_no_content(
    office: Office, waiting: Waiting, id_of: Id
) -> None:
    await office.put(waiting(question="Secret question?"))
    browser = await office.signed_in("otto", "operator")
    page = await browser.get("/queue")
    assert "Secret" not in page.text
    assert "wait</dt><dd>1<" in page.text
    assert (await browser.get(f"/items/{id_of()}")).status_code == 403


@pytest.mark.parametrize("ago", [timedelta(minutes=31), timedelta(hours=9)])
async def test_a_session_that_is_over_is_nobodys(office: Office, ago: timedelta) -> None:
    browser = await office.signed_in("ada")
    key, sessions = Key(browser.cookies["glideslope"]), SqlSessions(office.database)
    session = await sessions.load(key)
    assert session is not None
    session.seen = session.began = datetime.now(UTC) - ago
    await sessions.save(key, session)
    assert (await browser.get("/queue")).status_code == 303
    assert await sessions.load(key) is None
    assert "session_over" in await office.refusals()


async def test_a_session_key_that_is_guessed_is_nobodys(office: Office) -> None:
    browser = await office.browser()
    browser.cookies.set("glideslope", "A" * 43)
    assert (await browser.get("/queue")).status_code == 303
    assert "session_over" in await office.refusals()


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>"


async def test_scripts_in_what_others_wrote_are_text(
    office: Office, waiting: Waiting, id_of: Id
) -> None:
    base = waiting(question=SCRIPT, answer=SCRIPT).model_dump()
    base["request"]["request_id"] = "1"
    base["request"]["metadata"] = {"note": SCRIPT}
    base["answer"]["citations"] = [{"document_id": SCRIPT, "locator": SCRIPT, "quote": "alert(1)"}]
    base["passages"] = [
        {"id": "1", "document_id": SCRIPT, "title": SCRIPT, "locator": SCRIPT, "text": SCRIPT},
        {"id": "2", "document_id": "t", "locator": "1", "text": f"a | {SCRIPT}\nb | {SCRIPT}\n"},
    ]
    base["checks"] = [
        {
            "name": SCRIPT,
            "verdict": "failed",
            "score": 0,
            "reason": SCRIPT,
            "spans": [{"start": 0, "end": 9}],
        }
    ]
    base["reason"] = SCRIPT
    await office.put(AnswerChecked.model_validate(base))
    browser = await office.signed_in("ada", called=SCRIPT)
    path = f"/items/{id_of()}"
    token = token_in(await browser.get("/queue"))
    await browser.post(f"{path}/claim", data={"csrf": token})
    held = {"csrf": token, "token": "1"}
    await browser.post(f"{path}/snooze", data={**held, "hours": "1", "note": SCRIPT})
    await browser.post(f"{path}/claim", data={"csrf": token})
    edit = await browser.post(f"{path}/propose", data={**held, "token": "2", "text": SCRIPT})
    pages = [
        await browser.get(where)
        for where in ("/queue", f"/queue?snoozed=yes&text={SCRIPT}", path, edit.headers["location"])
    ]
    for page in pages:
        assert page.status_code == 200, page.text
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        assert "<img" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize("text", ["' OR '1'='1", "%", "_", "\\", "'; DROP TABLE items; --", "a)*("])
async def test_sql_in_a_search_is_text(office: Office, waiting: Waiting, text: str) -> None:
    await office.put(waiting(question="How much was it?"))
    browser = await office.signed_in("ada")
    found = await browser.get("/queue", params={"text": text, "tenant": text, "skill": text})
    assert found.status_code == 200
    assert "How much" not in found.text
    alone = await browser.get("/queue", params={"text": text})
    assert "How much" not in alone.text
    assert "How much" in (await browser.get("/queue")).text


async def test_sql_in_an_id_finds_nothing(office: Office, waiting: Waiting) -> None:
    await office.put(waiting())
    browser = await office.signed_in("ada")
    assert (await browser.get("/items/1' OR '1'='1")).status_code == 404
    assert await office.refusals() == ["unknown"]


async def test_a_body_that_is_too_large_is_not_read(office: Office) -> None:
    browser = await office.signed_in("ada")
    token = token_in(await browser.get("/queue"))

    async def endless() -> Any:
        for _ in range(1000):
            yield b"x" * 1024

    said = await browser.post("/queue/next", data={"csrf": token, "x": "x" * 300_000})
    unsaid = await browser.post("/queue/next", content=endless())
    assert [said.status_code, unsaid.status_code] == [413, 413]
    assert await office.refusals() == ["too_large", "too_large"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/%2e%2e/settings.py",
        "/static/%2e%2e%2fsettings.py",
        "/static/..%5csettings.py",
        "/static/%252e%252e/settings.py",
        "/items/..%2f..%2fetc%2fpasswd",
        "/items/%00",
    ],
)
async def test_a_path_out_of_its_folder_leads_nowhere(office: Office, path: str) -> None:
    scope_path = httpx2.URL(AT).copy_with(raw_path=path.encode())
    browser = await office.signed_in("ada")
    answer = await browser.get(scope_path)
    assert answer.status_code in {400, 404}
    assert "WebSettings" not in answer.text
    assert await office.refusals() == ["bad_path"]


@pytest.mark.parametrize("changed", [{"review_requests_per_minute": 5}])
async def test_an_address_that_asks_too_often_has_to_wait(office: Office) -> None:
    metrics = Metrics()
    office.site.measured(metrics)
    browser = await office.browser()
    answers = [(await browser.get("/sign-in")).status_code for _ in range(7)]
    assert answers == [200] * 5 + [429] * 2
    # each is counted, and of a minute's the first is on the record: there would be too many
    assert metrics.counted(REVIEW_REFUSALS) == {("too_many",): 2}
    assert await office.refusals() == ["too_many"]


async def test_a_name_that_is_not_ours_is_refused(office: Office) -> None:
    browser = await office.browser()
    answer = await browser.get("/sign-in", headers={"host": "evil.example"})
    assert answer.status_code == 400


async def test_every_view_is_on_the_record_with_who_and_what(
    office: Office, waiting: Waiting, id_of: Id
) -> None:
    await office.put(waiting())
    browser = await office.signed_in("ada")
    await browser.get("/queue")
    await browser.get(f"/items/{id_of()}")
    await browser.get(f"/api/v1/items/{id_of()}")
    seen = [
        (each.who, each.action, [item.request_id for item in each.items])
        for each in await office.accesses()
    ]
    assert seen == [
        ("ada", "queue.listed", ["1"]),
        ("ada", "item.viewed", ["1"]),
        ("ada", "item.viewed", ["1"]),
    ]
