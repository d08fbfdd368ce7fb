"""A service for the tests of health: requests → requests.rejected, unless it is made to wait.

A question `down` fails for want of a dependency called `model` while the file HELD exists, `wait`
takes until it is gone. Run as a program; settings come from the environment as for any service.
"""

import asyncio
from pathlib import Path

from shared import events, topics
from shared.delivery import Cause, OverloadedError, Service, event_broker
from shared.delivery.run import run
from shared.settings import Settings


class HeldSettings(Settings):
    """What holds it up."""

    held: Path
    unready: Path


def build(settings: HeldSettings) -> Service:
    """Return the service. It has a reason of its own not to be ready while UNREADY exists."""
    broker = event_broker(settings)
    relayed = broker.publisher(settings.topic(topics.REQUESTS_REJECTED))

    @broker.subscriber(settings.topic(topics.REQUESTS))
    async def relay(data: events.RequestSubmitted, cause: Cause) -> None:
        if data.question == "down" and settings.held.exists():
            raise OverloadedError("model", "no connection")
        while data.question == "wait" and settings.held.exists():  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.05)  # the one who holds it is another process
        if data.question == "bad":
            raise ValueError(data.question)
        await relayed.publish(
            events.RequestRejected(
                request_id=cause.id, request_source=cause.source, code="relayed", message="done"
            )
        )

    async def ready() -> str | None:
        return "the index is behind" if settings.unready.exists() else None

    return Service("ingest", broker, settings, ready=ready)


if __name__ == "__main__":
    run(build(HeldSettings()))
