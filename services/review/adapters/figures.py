"""What can be watched of the queue: read from the database now and then, for who asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from sqlalchemy import and_, func, select

from services.review.adapters import rows
from services.review.adapters.database import Database, DatabaseError
from services.review.adapters.reading import utc_now
from services.review.adapters.tables import decisions, items
from services.review.agreement import cohens_kappa
from services.review.decision import Kind
from services.review.item import Status
from shared.metrics import REVIEW_AGREEMENT, REVIEW_ITEMS, REVIEW_OLDEST, Metrics, Reading

_EVERY_SECONDS: Final = 15.0
_PAIRS_MAX: Final = 10_000


class Figures:
    """The gauges of the queue, some seconds old."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._items: Reading = {}
        self._oldest: Reading = {}
        self._agreement: Reading = {}

    def measured(self, metrics: Metrics) -> None:
        """Say where the gauges go."""
        metrics.read_from(REVIEW_ITEMS, lambda: self._items)
        metrics.read_from(REVIEW_OLDEST, lambda: self._oldest)
        metrics.read_from(REVIEW_AGREEMENT, lambda: self._agreement)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep them fresh while the context is open."""
        keeping = asyncio.create_task(self._keep(), name="figures")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def refresh(self) -> None:
        """Read them. Raises `DatabaseError`."""
        now = self._now()
        states = {
            "free": ~rows.held(now),
            "claimed": rows.held(now),
            "due_soon": and_(items.c.soon <= now, items.c.due > now),
            "overdue": items.c.due <= now,
        }
        waiting = (
            select(
                items.c.tenant,
                func.min(items.c.since),
                *(func.count().filter(condition) for condition in states.values()),
            )
            .where(items.c.status == Status.OPEN)
            .group_by(items.c.tenant)
        )
        doubly = (
            select(decisions.c.item_id, decisions.c.attempt, decisions.c.kind)
            .join(items, items.c.id == decisions.c.item_id)
            .where(items.c.four_eyes, decisions.c.kind != Kind.SENT_BACK)
            .order_by(decisions.c.decided_at.desc())
            .limit(2 * _PAIRS_MAX)
        )
        async with self._database.reading() as connection:
            tenants = (await connection.execute(waiting)).all()
            words = (await connection.execute(doubly)).all()
        self._items = {
            (tenant, state): number
            for tenant, _, *numbers in tenants
            for state, number in zip(states, numbers, strict=True)
        }
        self._oldest = {
            (tenant,): max((now - since).total_seconds(), 0.0) for tenant, since, *_ in tenants
        }
        kappa = cohens_kappa(_pairs([(row.item_id, row.attempt, row.kind) for row in words]))
        self._agreement = {} if kappa is None else {(): kappa}

    async def _keep(self) -> None:
        while True:
            with suppress(DatabaseError):  # the handlers say so, and wait
                await self.refresh()
            await asyncio.sleep(_EVERY_SECONDS)


def _pairs(words: list[tuple[str, int, str]]) -> list[tuple[str, str]]:
    """Return the first two words of each attempt that has two; `words` has the newest first."""
    of: dict[tuple[str, int], list[str]] = {}
    for item, attempt, kind in reversed(words):
        of.setdefault((item, attempt), []).append(kind)
    return [(each[0], each[1]) for each in of.values() if len(each) > 1]
