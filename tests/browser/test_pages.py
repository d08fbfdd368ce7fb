"""What a reviewer sees and does in a browser."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from services.review.adapters.tables import items, outbox
from services.review.identity import Identity, Role
from services.review.item import item_id
from shared.events import ReviewDecided, Verdict
from shared.release import ReviewRules
from tests.browser.conftest import SignedIn
from tests.browser.samples import checked
from tests.unit.services.review.web.office import Office

pytestmark = pytest.mark.timeout(300)

SIZES: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1280, "height": 900}},
    "narrow": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
}
SHOTS = os.environ.get("GLIDESLOPE_SCREENSHOTS")

_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def path(name: str = "q-1041") -> str:
    return f"/items/{item_id('/desk/research', name)}"


async def fill(office: Office) -> None:
    """Have some items wait: one late, one soon due, one of somebody else."""
    await office.put(checked())
    await office.put(checked("q-1042", question="How did the gross margin change, and why?"))
    await office.put(checked("q-1043", question="Which covenants bind the 2029 notes?"))
    await office.put(checked("q-1044", question="What is the segment's order backlog?"))
    await office.reviews.claim(_person("grace"), path("q-1044").split("/")[-1])
    now = datetime.now(UTC)
    async with office.database.writing() as connection:
        for name, late in (("q-1041", timedelta(minutes=12)), ("q-1042", timedelta(minutes=-9))):
            await connection.execute(
                update(items)
                .where(items.c.request_id == name)
                .values(
                    since=now - timedelta(hours=3), soon=now - timedelta(hours=1), due=now - late
                )
            )


def _person(name: str) -> Identity:
    return Identity(name, frozenset({Role.REVIEWER}), frozenset({"acme"}))


async def answer_checks(office: Office, page: Page, *verdicts: Verdict) -> None:
    """Be the validator: answer the edit that a page shows."""
    await page.wait_for_url("**/edits/*")
    await office.arrivals.checked(page.url.rsplit("/", 1)[-1], verdicts)


async def close_dialog(page: Page) -> None:
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def decided(office: Office) -> list[ReviewDecided]:
    query = outbox.select().where(outbox.c.topic == "reviews.decided")
    async with office.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [ReviewDecided.model_validate_json(row.value) for row in rows]


PASSED = Verdict(name="figures", verdict="passed", score=1.0, reason="all figures stand there")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
async def test_every_page_is_accessible_fits_and_does_not_shift(
    served: Office, signed_in: SignedIn, axe: str, size: str, scheme: str
) -> None:
    await fill(served)
    page = await signed_in("ada", "lead", color_scheme=scheme, **SIZES[size])
    await page.add_init_script(_WATCH_SHIFTS)

    async def look(name: str) -> None:
        await page.wait_for_load_state("load")
        found = await page.evaluate(
            f"{axe}; axe.run(document, {{runOnly: {_WCAG}}}).then(r => r.violations.map("
            "v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join()))"
        )
        assert found == [], name
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert await page.evaluate("window.shifted || 0") == 0, name
        if SHOTS:
            await page.screenshot(path=Path(SHOTS) / f"{name}-{size}-{scheme}.png")

    await page.goto("/queue")
    await look("queue")
    await page.goto(path())
    await look("item-free")
    await page.keyboard.press("c")
    await expect(page.get_by_role("button", name="Approve")).to_be_visible()
    await look("item")
    await page.keyboard.press("?")
    await look("keys")
    await close_dialog(page)
    await page.keyboard.press("r")
    await look("reject")
    await close_dialog(page)
    await page.keyboard.press("e")
    await page.get_by_label("What the asker is told").fill("Operating income was $1,118 million.")
    await page.get_by_role("button", name="Check it").click()
    await answer_checks(served, page, PASSED)
    await expect(page.get_by_text("all figures stand there")).to_be_visible()
    await look("edit")
    await page.keyboard.press("a")
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    await look("undo")
    await page.get_by_label("Choose q-1042").check()
    await page.get_by_role("button", name="Refuse the chosen").click()
    await look("refuse")
    await page.goto("/status?source=/desk/research&id=q-1043")
    await expect(page.get_by_text("A person is to look at it.")).to_be_visible()
    await look("status")
    await page.goto("/items/none")
    await look("unknown")
    await page.context.clear_cookies()
    await page.goto("/sign-in")
    await look("sign-in")


_WATCH_SHIFTS = """
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput) window.shifted = (window.shifted || 0) + entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


async def test_an_item_is_worked_by_keys_alone(served: Office, signed_in: SignedIn) -> None:
    await fill(served)
    page = await signed_in()
    await page.goto("/queue")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/items/*")
    await page.keyboard.press("c")
    await expect(page.get_by_role("button", name="Approve")).to_be_visible()
    await page.keyboard.press("e")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Operating income was $1,118 million.")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await answer_checks(served, page, PASSED)
    await expect(page.get_by_text("all figures stand there")).to_be_visible()
    await page.keyboard.press("a")
    await page.wait_for_url("**/queue")
    (decision,) = await decided(served)
    assert decision.decision == "edited"
    assert decision.answer is not None
    assert decision.answer.text == "Operating income was $1,118 million."
    assert "+Operating income was $1,118 million." in (decision.diff or "")
    await page.keyboard.press("u")
    await page.wait_for_url("**/items/*")
    await expect(page.get_by_role("button", name="Approve")).to_be_visible()
    assert await decided(served) == []


async def test_an_edit_that_fails_a_check_is_sent_only_by_who_says_so(
    served: Office, signed_in: SignedIn
) -> None:
    await fill(served)
    page = await signed_in()
    await page.goto(path())
    await page.keyboard.press("c")
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("What the asker is told").fill("Net sales were $7,000 million.")
    await page.get_by_role("button", name="Check it").click()
    failed = PASSED.model_copy(update={"verdict": "failed", "reason": "'$7,000' stands nowhere"})
    await answer_checks(served, page, failed)
    await expect(page.get_by_text("'$7,000' stands nowhere")).to_be_visible()
    await page.get_by_role("button", name="Send it").click()
    assert await decided(served) == []
    await page.get_by_label("Send it although it fails figures").check()
    await page.get_by_role("button", name="Send it").click()
    await page.wait_for_url("**/queue")
    assert [each.decision for each in await decided(served)] == ["edited"]


async def test_of_two_who_claim_one_item_one_has_it_and_the_other_sees_who(
    served: Office, signed_in: SignedIn
) -> None:
    await served.put(checked())
    pages = [await signed_in("ada"), await signed_in("grace")]
    for page in pages:
        await page.goto(path())
    await asyncio.gather(*(page.get_by_role("button", name="Claim").click() for page in pages))
    for page in pages:
        await page.wait_for_load_state()
    has = [await page.get_by_role("button", name="Approve").count() for page in pages]
    assert sorted(has) == [0, 1]
    winner, loser = ("ada", pages[1]) if has[0] else ("grace", pages[0])
    await loser.goto(path())
    await expect(loser.get_by_text(f"{winner} has this item until")).to_be_visible()


async def test_a_list_and_an_item_tell_by_themselves_that_something_is_new(
    served: Office, signed_in: SignedIn
) -> None:
    await served.put(checked())
    queue, item = await signed_in("ada"), await signed_in("grace")
    await queue.goto("/queue")
    await item.goto(path())
    await expect(queue.locator(".rows tbody tr")).to_have_count(1)
    await asyncio.gather(
        expect(queue.locator(".rows tbody tr")).to_have_count(2, timeout=20_000),
        served.put(checked("q-2000")),
    )
    await served.reviews.claim(_person("alan"), path().split("/")[-1])
    await expect(item.get_by_text("This item has changed.")).to_be_visible(timeout=20_000)
    await expect(queue.get_by_text("alan")).to_be_visible(timeout=20_000)


async def test_a_figure_is_shown_in_the_cell_that_it_was_compared_with(
    served: Office, signed_in: SignedIn
) -> None:
    await served.put(checked())
    page = await signed_in()
    await page.goto(path())
    row = page.get_by_role("row", name="Operating income")
    await expect(row.locator(".compared mark")).to_have_text("1,118")
    await page.get_by_role("link", name="to quote 2").click()
    await expect(page.locator("#quote-2:target")).to_contain_text("Operating income | 1,118")


async def test_a_reason_is_one_of_the_releases(served: Office, signed_in: SignedIn) -> None:
    await served.put(checked(), ReviewRules(reasons=("wrong figure", "off topic")))
    page = await signed_in()
    await page.goto(path())
    await page.keyboard.press("c")
    await expect(page.get_by_role("button", name="Approve")).to_be_visible()
    await page.keyboard.press("r")
    await page.get_by_label("Reason").select_option("off topic")
    await page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    await page.wait_for_url("**/queue")
    (decision,) = await decided(served)
    assert (decision.decision, decision.reason_code) == ("rejected", "off topic")
