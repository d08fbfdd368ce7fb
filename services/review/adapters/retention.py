"""What was decided long ago leaves the database, which holds people's questions in the clear."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import exists, select

from services.review.adapters import erasing
from services.review.adapters.database import Database, DatabaseError
from services.review.adapters.reading import utc_now
from services.review.adapters.tables import (
    decisions,
    happenings,
    items,
    outbox,
    payloads,
    proposals,
)
from services.review.item import Status

_EVERY_SECONDS: Final = 3_600.0
_AT_ONCE: Final = 500

log = structlog.get_logger(__name__)


class Retention:
    """Forgets items that were decided longer ago than `keep`, once they are published."""

    def __init__(
        self, database: Database, keep: timedelta, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._keep = keep
        self._now = now

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Forget every hour while the context is open."""
        forgetting = asyncio.create_task(self._forget_on(), name="retention")
        try:
            yield
        finally:
            forgetting.cancel()
            await asyncio.gather(forgetting, return_exceptions=True)

    async def forget(self) -> int:
        """Forget what is due; return how many items. Raises `DatabaseError`."""
        waiting = exists().where(outbox.c.item_id == items.c.id, outbox.c.published_at.is_(None))
        old = (
            select(items.c.id)
            .where(
                items.c.status == Status.DECIDED,
                items.c.decided_at < self._now() - self._keep,
                ~waiting,
            )
            .limit(_AT_ONCE)
        )
        count = 0
        async with self._database.writing() as connection:
            await erasing.leftovers(connection)
        while True:
            async with self._database.writing() as connection:
                ids = (await connection.scalars(old.with_for_update(skip_locked=True))).all()
                if not ids:
                    return count
                for table in (payloads, decisions, proposals, happenings, outbox):
                    await connection.execute(table.delete().where(table.c.item_id.in_(ids)))
                await connection.execute(items.delete().where(items.c.id.in_(ids)))
            count += len(ids)

    async def _forget_on(self) -> None:
        while True:
            try:
                if count := await self.forget():
                    log.info("items that were decided long ago are forgotten", items=count)
            except DatabaseError as error:  # the handlers wait for it, too
                log.warning("nothing was forgotten", reason=str(error))
            await asyncio.sleep(_EVERY_SECONDS)
