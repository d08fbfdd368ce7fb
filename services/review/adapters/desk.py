"""All that keeps the queue: opened, measured and closed as one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.figures import Figures
from services.review.adapters.rebuilding import rebuild
from services.review.adapters.relay import Relays
from services.review.adapters.retention import Retention
from services.review.adapters.reviews import SqlReviews
from services.review.intake import Intake
from services.review.settings import ReviewSettings
from shared.metrics import Metrics
from shared.release import Releases
from shared.releases import ReleaseCatalogue


class Desk:
    """The queue in its database, and the relays that publish from it.

    `releases` stands in for the topic `releases`.
    """

    def __init__(self, settings: ReviewSettings, releases: Releases | None = None) -> None:
        self.database = Database(settings.database_url)
        self.reviews = SqlReviews(self.database, settings.terms)
        self._settings = settings
        self._catalogue = None if releases else ReleaseCatalogue(settings)
        known = releases or self._catalogue or ReleaseCatalogue(settings)
        self.intake = Intake(SqlArrivals(self.database, settings.terms), known)
        self.relays = Relays(settings, self.database, self.intake.closed)
        self._figures = Figures(self.database)
        self._retention = Retention(self.database, settings.keep)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the database, which is built from the topics if it is new."""
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self.database.close)
            await self.database.open()
            if self._catalogue is not None:
                await opened.enter_async_context(self._catalogue)
            await rebuild(self._settings, self.database, self.intake)
            await opened.enter_async_context(self._figures.kept())
            await opened.enter_async_context(self._retention.kept())
            opened.push_async_callback(self.relays.stop)
            yield

    def measured(self, metrics: Metrics) -> None:
        """Say where the queue's metrics go."""
        self.reviews.metrics = metrics
        self._figures.measured(metrics)
