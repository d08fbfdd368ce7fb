"""The outbox: what was decided in the database and is still to be published.

A relay takes what is due in numbered batches. A batch is made in one transaction and never
changed after it, and the number of the next is kept in Kafka, in the transaction that publishes
the one before. So a relay that starts knows which batches are out: docs/adr/0020.

A row without a batch can still be taken back. A relay has an epoch, and one that has been
followed by another makes no batch any more.
"""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import rows
from services.review.adapters.database import Database
from services.review.adapters.reading import utc_now
from services.review.adapters.tables import items, outbox, relays
from services.review.item import Alarm, Status
from services.review.publication import escalated
from shared.delivery.record import Output

_BATCH: int = 100


class OvertakenError(Exception):
    """Another relay of the partition has begun."""


async def partitions_due(
    database: Database, partitions: Collection[int], now: datetime
) -> frozenset[int]:
    """Return which of the partitions have something that their relays should `take`."""
    query = (
        select(outbox.c.partition)
        .where(
            outbox.c.partition.in_(partitions),
            outbox.c.published_at.is_(None),
            outbox.c.batch.is_not(None) | (outbox.c.not_before <= now),
        )
        .distinct()
    )
    async with database.reading() as connection:
        return frozenset((await connection.scalars(query)).all())


class SqlOutbox:
    """The outbox of one partition, for its relay. `topic` names a topic as the cluster does."""

    def __init__(
        self,
        database: Database,
        partition: int,
        topic: Callable[[str], str],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._partition = partition
        self._topic = topic
        self._now = now
        self._epoch = 0

    async def begin(self, next_batch: int = 0) -> int:
        """Become the relay of the partition; return up to where `reviews.decided` was read back.

        Every batch before `next_batch` is out, as Kafka knows; its numbers go on after it even
        in a database that was lost and made anew.
        """
        async with self._database.writing() as connection:
            row = await _relay(connection, self._partition)
            self._epoch = row.epoch + 1
            await connection.execute(
                relays.update()
                .where(relays.c.partition == self._partition)
                .values(epoch=self._epoch, batch=max(row.batch, next_batch - 1))
            )
            read: int = row.read_back
        await self.published(next_batch)
        return read

    async def published(self, before: int) -> None:
        """Note that every batch before this number is out."""
        async with self._database.writing() as connection:
            await connection.execute(
                outbox.update()
                .where(
                    outbox.c.partition == self._partition,
                    outbox.c.published_at.is_(None),
                    outbox.c.batch < before,
                )
                .values(published_at=self._now())
            )

    async def take(self) -> tuple[int, Sequence[Output]] | None:
        """Return the oldest batch that is not out, or make one of what is due; None: nothing is.

        Raises `OvertakenError`.
        """
        now = self._now()
        due = (
            select(outbox.c.number)
            .where(
                outbox.c.partition == self._partition,
                outbox.c.published_at.is_(None),
                outbox.c.batch.is_(None),
                outbox.c.not_before <= now,
            )
            .order_by(outbox.c.number)
            .limit(_BATCH)
        )
        async with self._database.reading() as connection:
            oldest = await self._oldest(connection)
            waits = oldest is not None or (await connection.execute(due.limit(1))).first()
        if not waits:
            return None
        async with self._database.writing() as connection:
            row = await _relay(connection, self._partition)
            if row.epoch != self._epoch:
                raise OvertakenError
            oldest = await self._oldest(connection)
            if oldest is None:
                numbers = (await connection.scalars(due.with_for_update(skip_locked=True))).all()
                if not numbers:
                    return None
                oldest = row.batch + 1
                await connection.execute(
                    outbox.update().where(outbox.c.number.in_(numbers)).values(batch=oldest)
                )
                await connection.execute(
                    relays.update()
                    .where(relays.c.partition == self._partition)
                    .values(batch=oldest)
                )
            query = (
                select(outbox)
                .where(outbox.c.partition == self._partition, outbox.c.batch == oldest)
                .order_by(outbox.c.number)
            )
            letters = (await connection.execute(query)).all()
        return oldest, [self._output(letter) for letter in letters]

    async def escalate(self) -> int:
        """Put word of every item of the partition whose time runs out, or has, into the outbox."""
        now = self._now()
        due = [
            items.c.partition == self._partition,
            items.c.status == Status.OPEN,
            ((items.c.due <= now) & (items.c.escalated < rows.ALARMS.index(Alarm.OVERDUE)))
            | ((items.c.soon <= now) & (items.c.escalated < rows.ALARMS.index(Alarm.DUE_SOON))),
        ]
        async with self._database.reading() as connection:
            waiting = (await connection.scalars(select(items.c.id).where(*due).limit(_BATCH))).all()
        if not waiting:
            return 0
        async with self._database.writing() as connection:
            query = rows.whole().where(items.c.id.in_(waiting), *due).with_for_update(of=items)
            found = (await connection.execute(query)).all()
            for row in found:
                item = rows.item_of(row, now)
                claim = item.summary.claim
                letter = escalated(
                    rows.arrival_of(row),
                    item,
                    item.summary.alarm,
                    None if claim is None else claim.holder,
                )
                await rows.post(connection, row, [letter], not_before=now)
                level = rows.ALARMS.index(item.summary.alarm)
                await connection.execute(
                    items.update().where(items.c.id == row.id).values(escalated=level)
                )
        return len(found)

    async def _oldest(self, connection: AsyncConnection) -> int | None:
        query = select(func.min(outbox.c.batch)).where(
            outbox.c.partition == self._partition,
            outbox.c.published_at.is_(None),
            outbox.c.batch.is_not(None),
        )
        oldest: int | None = await connection.scalar(query)
        return oldest

    def _output(self, letter: Row[Any]) -> Output:
        return Output(
            topic=self._topic(letter.topic),
            key=letter.key,
            value=letter.value,
            headers=rows.read_headers(json.loads(letter.headers)),
            partition=letter.partition,
        )


async def read_back(connection: AsyncConnection, partition: int, offset: int) -> None:
    """Note up to where `reviews.decided` has been read back."""
    await _relay(connection, partition)
    await connection.execute(
        relays.update()
        .where(relays.c.partition == partition, relays.c.read_back < offset)
        .values(read_back=offset)
    )


async def _relay(connection: AsyncConnection, partition: int) -> Row[Any]:
    query = select(relays).where(relays.c.partition == partition).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        await connection.execute(
            relays.insert().values(partition=partition, epoch=0, batch=0, read_back=0)
        )
        row = (await connection.execute(query)).one()
    return row
