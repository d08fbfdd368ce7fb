"""fallback.review → queue, decide → reviews.decided."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.routing import Mount

from services.review.adapters.desk import Desk
from services.review.adapters.relay import DESTINATIONS
from services.review.api import nobody, queue_api
from services.review.identity import Identify
from services.review.serving import serving
from services.review.settings import ReviewSettings
from shared import events, topics
from shared.delivery import Cause, Service, Source, event_broker
from shared.delivery.run import run
from shared.release import Releases

log = structlog.get_logger(__name__)


def build(
    settings: ReviewSettings, releases: Releases | None = None, identify: Identify = nobody
) -> Service:
    """Wire the service. `releases` stands in for the topic; `identify` knows who signed in."""
    broker = event_broker(settings)
    desk = Desk(settings, releases)
    for topic in DESTINATIONS:  # its relays publish: here it is declared
        broker.publisher(settings.topic(topic), schema=topic.data)

    @broker.subscriber(settings.topic(topics.FALLBACK_REVIEW))
    async def wait(checked: events.AnswerChecked, cause: Cause, record: Source) -> None:
        await desk.intake.waits(checked, cause, record)

    @broker.subscriber(settings.topic(topics.REVIEWS_DECIDED))
    async def close(decided: events.ReviewDecided, cause: Cause, record: Source) -> None:
        await desk.intake.decided(decided, cause, record)

    @broker.subscriber(settings.topic(topics.REVIEWS_CHECKED))
    async def check(edit: events.EditChecked) -> None:
        await desk.intake.checked(edit)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        site = Starlette(routes=[Mount("/api", queue_api(desk.reviews, identify))])
        async with desk.opened(), serving(settings, site) as url:
            log.info("reviewers are served", url=url)
            yield

    return Service(
        "review",
        broker,
        settings,
        desk.relays.hold,
        desk.relays.let_go,
        lifespan=lifespan,
        ready=desk.relays.problem,
        measured=desk.measured,
    )


if __name__ == "__main__":
    run(build(ReviewSettings()))
