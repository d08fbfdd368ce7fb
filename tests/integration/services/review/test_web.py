"""What people see over HTTP, and what Kafka has of it."""

import asyncio

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer

from services.review.app import build
from services.review.web.settings import WebSettings
from shared import topics as pipeline
from shared.delivery.engine import Engine
from shared.events import ReviewAccessed
from shared.settings import Settings
from tests.integration.services.review.test_app import running, send

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]


async def test_who_saw_an_item_is_on_its_topic_and_so_is_who_was_refused(
    settings: Settings,
) -> None:
    mine = WebSettings(**settings.model_dump(), review_sign_in="local", review_poll_seconds=0.02)
    async with running(Engine(build(mine))):
        url = (mine.review_folder / "url").read_text()
        token = (mine.review_folder / "token").read_text()
        await send(settings, pipeline.FALLBACK_REVIEW, "1")
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            refused = await client.get("/api/v1/items", headers={"authorization": "Bearer junk"})
            assert refused.status_code == 401
            known = {"authorization": f"Bearer {token}"}
            async with asyncio.timeout(60):
                # ASYNC110: what comes from Kafka, it has to be asked
                while not (await client.get("/api/v1/items", headers=known)).json()["items"]:  # noqa: ASYNC110 - see above
                    await asyncio.sleep(0.02)
        async with AIOKafkaConsumer(
            settings.topic(pipeline.REVIEWS_ACCESSED),
            bootstrap_servers=settings.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        ) as consumer:
            async with asyncio.timeout(60):
                found = [
                    ReviewAccessed.model_validate_json((await consumer.getone()).value)
                    for _ in range(2)
                ]
    assert {(each.action, tuple(item.request_id for item in each.items)) for each in found} == {
        ("refused", ()),
        ("queue.listed", ("1",)),
    }
