"""A service for the engine's tests: requests → wait a little → requests.rejected, one for one.

Run as a program; settings come from the environment as for any service.
"""

import asyncio
import random
from pathlib import Path

from shared import events, topics
from shared.delivery import Cause, Service, event_broker
from shared.delivery.run import run
from shared.settings import Settings


class RelaySettings(Settings):
    """How long a handler takes at the most, in seconds, and where its starts are written."""

    relay_seconds: float = 0.02
    relay_starts: Path | None = None
    """File that gets one line, the event's id, whenever a handler starts; one for each process."""


def build(settings: RelaySettings) -> Service:
    """Return the relay. A question that starts with `raise` makes its handler fail."""
    broker = event_broker(settings)
    relayed = broker.publisher(settings.topic(topics.REQUESTS_REJECTED))

    @broker.subscriber(settings.topic(topics.REQUESTS))
    async def relay(data: events.RequestSubmitted, cause: Cause) -> None:
        if settings.relay_starts is not None:
            with settings.relay_starts.open("a", encoding="utf-8") as starts:
                starts.write(f"{cause.id}\n")
        await asyncio.sleep(random.uniform(0, settings.relay_seconds))
        if data.question.startswith("raise"):
            raise RuntimeError(data.question)
        await relayed.publish(
            events.RequestRejected(
                request_id=cause.id,
                request_source=cause.source,
                code="relayed",
                message=data.question,
            )
        )

    return Service("ingest", broker, settings)


if __name__ == "__main__":
    run(build(RelaySettings()))
