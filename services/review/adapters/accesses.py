"""`AccessLog` over the outbox: an access is in the database before anything is shown.

From there the relay of its partition publishes it. Accesses that come while others are written are
written together: many people wait for one commit, and not for each other's. What is said of an item
goes into the item's partition, so that a request's whole history stays in one audit log; one access
to items of several partitions becomes one event in each.
"""

import asyncio
import json
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, select

from services.review.adapters.database import Database
from services.review.adapters.reading import utc_now
from services.review.adapters.rows import written_headers
from services.review.adapters.tables import items, outbox
from services.review.item import item_id
from services.review.publication import SOURCE
from shared import topics
from shared.cloudevents import Event
from shared.events import ReviewAccessed

_AT_ONCE: Final = 100


class SqlAccessLog:
    """Implements `services.review.access.AccessLog`."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions
        self._writing = asyncio.Lock()
        self._waiting: list[tuple[ReviewAccessed, asyncio.Future[None]]] = []

    async def record(self, access: ReviewAccessed) -> None:
        """Return when it is in the outbox."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((access, written))
        async with self._writing:
            while not written.done():  # it may be that somebody before took it along
                await self._write()
        await written

    async def _write(self) -> None:
        """Write what waits; whoever waits is told how that went.

        Cancelled, it leaves all of it to the next one: better twice on the record than not at all.
        """
        taken = self._waiting[:_AT_ONCE]
        failed: Exception | None = None
        try:
            await self._put([access for access, _ in taken])
        except Exception as error:  # noqa: BLE001 - it is raised where each one waits
            failed = error
        del self._waiting[: len(taken)]
        for _, written in taken:
            if written.done():
                continue  # who waited has gone away
            if failed is None:
                written.set_result(None)
            else:
                written.set_exception(failed)
                written.exception()  # nobody may be left to ask

    async def _put(self, accesses: Sequence[ReviewAccessed]) -> None:
        async with self._database.writing() as connection:
            wanted = {
                item_id(each.request_source, each.request_id)
                for access in accesses
                for each in access.items
            }
            query = select(items.c.id, items.c.partition, items.c.key)
            found = (await connection.execute(query.where(items.c.id.in_(wanted)))).all()
            places = {row.id: row for row in found}
            letters = [letter for each in accesses for letter in self._letters(each, places)]
            await connection.execute(outbox.insert(), letters)

    async def sweep(self, before: datetime) -> None:
        """Forget what was published before a time."""
        async with self._database.writing() as connection:
            await connection.execute(
                outbox.delete().where(
                    outbox.c.topic == topics.REVIEWS_ACCESSED.name, outbox.c.published_at < before
                )
            )

    def _letters(
        self, access: ReviewAccessed, known: Mapping[str, Row[Any, Any, Any]]
    ) -> list[dict[str, Any]]:
        wanted = {item_id(each.request_source, each.request_id): each for each in access.items}
        found = [known[each] for each in wanted if each in known]
        places: defaultdict[int, list[Row[Any, Any, Any]]] = defaultdict(list)
        for row in found:
            places[row.partition].append(row)
        if not places:
            by_person = access.who.encode()
            return [_letter(access, zlib.crc32(by_person) % self._partitions, by_person or None)]
        return [
            _letter(
                access.model_copy(update={"items": tuple(wanted[row.id] for row in rows)}),
                partition,
                rows[0].key if len(found) == 1 else access.who.encode(),
                rows[0].id if len(found) == 1 else None,
            )
            for partition, rows in places.items()
        ]


def _letter(
    access: ReviewAccessed, partition: int, key: bytes | None, item: str | None = None
) -> dict[str, Any]:
    event = Event(
        id=str(uuid4()),
        type=topics.REVIEWS_ACCESSED.event_type,
        source=SOURCE,
        data=access.model_dump_json().encode(),
        time=access.at.isoformat(),
    )
    return {
        "item_id": item,
        "topic": topics.REVIEWS_ACCESSED.name,
        "partition": partition,
        "key": key,
        "value": event.data,
        "headers": json.dumps(written_headers(event.headers())),
        "not_before": utc_now(),
    }
