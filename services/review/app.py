"""fallback.review → queue, decide → reviews.decided."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from services.review.adapters.accesses import SqlAccessLog
from services.review.adapters.desk import Desk
from services.review.adapters.rebuilding import SOURCES
from services.review.adapters.relay import DESTINATIONS, OUTBOX_GROUP
from services.review.adapters.sessions import SqlSessions
from services.review.api import queue_api
from services.review.serving import serving
from services.review.web.settings import WebSettings
from services.review.web.site import Site, identify
from shared import events, topics
from shared.delivery import Cause, Service, Source, event_broker
from shared.delivery.run import start
from shared.metrics import Metrics
from shared.release import Releases

log = structlog.get_logger(__name__)


def build(settings: WebSettings, releases: Releases | None = None) -> Service:
    """Wire the service. `releases` stands in for the topic."""
    broker = event_broker(settings)
    desk = Desk(settings, releases)
    accesses = SqlAccessLog(desk.database, settings.partitions)
    site = Site(desk.reviews, SqlSessions(desk.database), accesses, settings)
    for topic in DESTINATIONS:  # its relays publish: here it is declared
        broker.publisher(settings.topic(topic), schema=topic.data)

    @broker.subscriber(settings.topic(topics.FALLBACK_REVIEW))
    async def wait(checked: events.AnswerChecked, cause: Cause, record: Source) -> None:
        await desk.intake.waits(checked, cause, record)

    @broker.subscriber(settings.topic(topics.REVIEWS_DECIDED))
    async def close(decided: events.ReviewDecided, cause: Cause, record: Source) -> None:
        await desk.intake.decided(decided, cause, record)

    @broker.subscriber(settings.topic(topics.SUBJECTS_ERASED))
    async def forget(erased: events.SubjectErased, record: Source) -> None:
        await desk.intake.erased(erased, record)

    @broker.subscriber(settings.topic(topics.REVIEWS_CHECKED))
    async def check(edit: events.EditChecked) -> None:
        await desk.intake.checked(edit)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        app = site.app(queue_api(site.recorded, identify))
        async with desk.opened(), serving(settings, app) as url:
            log.info("reviewers are served", url=url)
            async with site.open(url):
                yield

    def measured(metrics: Metrics) -> None:
        desk.measured(metrics)
        site.measured(metrics)

    return Service(
        "review",
        broker,
        settings,
        desk.relays.hold,
        desk.relays.let_go,
        lifespan=lifespan,
        ready=desk.relays.problem,
        measured=measured,
        reads=frozenset({topics.RELEASES, *SOURCES}),
        groups=frozenset({OUTBOX_GROUP}),
    )


if __name__ == "__main__":
    start("review", build, WebSettings)
