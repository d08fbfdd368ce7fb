"""`AccessLog` over the outbox: an access is in the database before anything is shown.

From there the relay of its partition publishes it. What is said of an item goes into the item's
partition, so that a request's whole history stays in one audit log; one access to items of several
partitions becomes one event in each.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
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
from shared.events import ReviewAccessed, SeenItem


class SqlAccessLog:
    """Implements `services.review.access.AccessLog`."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    async def record(self, access: ReviewAccessed) -> None:
        """Return when it is in the outbox."""
        async with self._database.writing() as connection:
            wanted = {item_id(each.request_source, each.request_id): each for each in access.items}
            query = select(items.c.id, items.c.partition, items.c.key)
            found = (await connection.execute(query.where(items.c.id.in_(wanted)))).all()
            letters = self._letters(access, wanted, found)
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
        self,
        access: ReviewAccessed,
        wanted: Mapping[str, SeenItem],
        found: Sequence[Row[Any, Any, Any]],
    ) -> list[dict[str, Any]]:
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
