"""Contender: Glideslope's delivery engine. Settings come from the environment, as for a service."""

import asyncio
from datetime import UTC, datetime

from benchmarks.delivery.model import seconds_of
from shared import topics
from shared.delivery import Service, event_broker
from shared.delivery.run import run
from shared.events import RequestAccepted, RequestSubmitted
from shared.settings import Settings


def build(settings: Settings) -> Service:
    """Return a service with the handler that every contender has, declared in FastStream."""
    broker = event_broker(settings)

    @broker.publisher(settings.topic(topics.REQUESTS_ACCEPTED))
    @broker.subscriber(settings.topic(topics.REQUESTS))
    async def relay(submitted: RequestSubmitted) -> RequestAccepted:
        if seconds := seconds_of(submitted.question):
            await asyncio.sleep(seconds)
        return RequestAccepted(
            request_id="q",
            request_source="/bench",
            tenant="default",
            question=submitted.question,
            metadata=submitted.metadata,
            received_at=datetime.now(UTC),
            release="0" * 64,
        )

    return Service("ingest", broker, settings)


if __name__ == "__main__":
    run(build(Settings()))
