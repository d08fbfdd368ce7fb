"""A question that goes to a person, from asking to the result and its audit log."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from playwright.async_api import Browser, expect

from glideslope.stack import Stack, settings_environment
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

QUESTION = "How high are the harbour dues of Port Ellisgate?"
PASSAGE = "The harbour dues of Port Ellisgate are EUR 3.40 per tonne since 1 July 2025."


def ask(settings: Settings, request_id: str) -> None:
    """Publish a question whose answer comes with a wrong number, twice."""
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers})
    data = {
        "question": QUESTION,
        "passages": [{"id": "tariff", "text": PASSAGE}],
        "metadata": {"planted_fault": "wrong_number_always"},
    }
    producer.produce(
        f"{settings.topic_prefix}requests",
        key=b"harbour-office",
        value=json.dumps(data).encode(),
        headers={
            "ce_specversion": "1.0",
            "ce_id": request_id,
            "ce_source": "/harbour",
            "ce_type": "glideslope.request.submitted.v1",
            "content-type": "application/json",
        },
    )
    assert producer.flush(30) == 0


def result(settings: Settings) -> dict[str, Any]:
    """Wait for the next record on `results`, as a system that knows nothing of us does."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": f"{settings.topic_prefix}downstream",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    try:
        consumer.subscribe([f"{settings.topic_prefix}results"])
        message = consumer.poll(60)
        assert message is not None
        assert message.error() is None
        found: dict[str, Any] = json.loads(message.value() or b"")
        return found
    finally:
        consumer.close()


def audit(settings: Settings, request_id: str) -> list[dict[str, Any]]:
    """Return what the audit log shows of a request."""
    shown = subprocess.run(
        [sys.executable, "-m", "glideslope", "audit", "show", request_id, "--json"],
        env=settings_environment(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(shown.stdout)
    return found


async def test_a_question_goes_to_a_person_whose_edit_comes_out_with_a_receipt(
    settings: Settings, chromium: Browser
) -> None:
    environment = {
        "GLIDESLOPE_PLANTED_FAULTS": "true",
        "GLIDESLOPE_REVIEW_SIGN_IN": "local",
        "GLIDESLOPE_REVIEW_UNDO_SECONDS": "1",
    }
    async with Stack(settings, environment=environment) as stack:
        ask(stack.settings, "dues-1")
        page = await chromium.new_page()
        page.set_default_timeout(60_000)
        await page.goto((settings.home / "review" / "link").read_text())
        await page.get_by_role("link", name=QUESTION).click(timeout=60_000)
        await page.get_by_role("button", name="Claim").click()
        await page.get_by_role("button", name="Edit").click()
        await page.get_by_label("What the asker is told").fill(PASSAGE)
        await page.get_by_role("button", name="Check it").click()
        await expect(page.locator("#edit-checks .checks")).to_be_visible(timeout=30_000)
        for box in await page.get_by_role("checkbox", name="Send it although").all():
            await box.check()
        await page.get_by_role("button", name="Send it").click()
        await page.wait_for_url("**/queue")
        found = await asyncio.to_thread(result, stack.settings)
        assert found["outcome"] == "answered_by_person"
        assert found["answer"]["text"] == PASSAGE
        assert found["receipt"]["index"] < found["receipt"]["size"]
        shown = await asyncio.to_thread(audit, stack.settings, "dues-1")
        decisions = [each for each in shown if each["topic"].endswith("reviews.decided")]
        assert f"+{PASSAGE}" in json.dumps(decisions, ensure_ascii=False)
        await page.close()
