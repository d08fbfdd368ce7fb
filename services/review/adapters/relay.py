"""The relay of one partition: from the outbox to Kafka, each batch exactly once.

A batch and its number are published in one Kafka transaction, the number as an offset of a group
that consumes nothing. The transactional id names the partition, so a relay that starts ends
whatever another has begun there, and the command line, which decides past the database, takes the
same id: then the relay is fenced, starts anew, and first reads back what was decided meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.review.adapters.database import Database, DatabaseError
from services.review.adapters.outbox import OvertakenError, SqlOutbox, partitions_due
from services.review.adapters.reading import utc_now
from services.review.settings import ReviewSettings
from shared import topics
from shared.connection import connection
from shared.delivery.errors import CommitError, FatalError, FencedError
from shared.delivery.record import Record
from shared.delivery.transactions import Committed, KafkaTransactions

_AGAIN_SECONDS: Final = 1.0
"""Before a relay that was stopped starts anew: whoever fenced it may finish."""
_ESCALATE_SECONDS: Final = 5.0
_POLL_MS: Final = 200
_FETCH_WAIT_MS: Final = 10
OUTBOX_GROUP: Final = "review-outbox"
"""Consumer group, after the topic prefix, whose offsets are numbers of batches."""
DESTINATIONS: Final = (
    topics.REVIEWS_DECIDED,
    topics.FEEDBACK_ACCEPTED,
    topics.FALLBACK_REGENERATE,
    topics.REVIEWS_PROPOSED,
    topics.REVIEWS_ESCALATED,
    topics.REVIEWS_ACCESSED,
)

log = structlog.get_logger(__name__)

Close = Callable[[Record], Coroutine[Any, Any, None]]
"""Takes note of a record of `reviews.decided`."""


class Relay:
    """Publishes one partition's outbox, and escalates what waits too long in it.

    It looks into the outbox when it begins, when it is told to (`look`), and when it escalates.
    """

    def __init__(
        self, settings: ReviewSettings, database: Database, partition: int, close: Close
    ) -> None:
        self.problem: str | None = None
        """What is in the way, if anything."""
        self._settings = settings
        self._outbox = SqlOutbox(database, partition, self._topic)
        self._close = close
        self._source = TopicPartition(settings.topic(topics.REVIEWS_DECIDED), partition)
        self._is_due = asyncio.Event()

    def look(self) -> None:
        """Say that there may be something in the outbox."""
        self._is_due.set()

    async def run(self) -> None:
        """Publish until cancelled; start anew after whatever goes wrong."""
        while True:
            try:
                await self._relay()
            except (FencedError, OvertakenError):
                log.info("another writer took the partition", partition=self._source.partition)
            except (CommitError, DatabaseError, FatalError, KafkaError, OSError) as error:
                self._failed(str(error))
            except Exception as error:  # noqa: BLE001 - nobody else would notice: `/readyz` says it
                self._failed(type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    def _failed(self, why: str) -> None:
        self.problem = f"decisions of partition {self._source.partition} wait: {why}"
        log.warning("publishing failed", problem=self.problem)

    async def _relay(self) -> None:
        admin = AIOKafkaAdminClient(**connection(self._settings))
        await admin.start()
        transactions = KafkaTransactions(
            self._source,
            group=outbox_group(self._settings),
            settings=self._settings,
            admin=admin,
            destinations=[self._settings.topic(topic) for topic in DESTINATIONS],
        )
        try:
            committed = await transactions.start()
            read = await self._outbox.begin(0 if committed is None else committed.position)
            async for record in _decided(self._settings, self._source, read):
                await self._close(record)
            self.problem = None
            await self._publish(transactions)
        finally:
            await transactions.close()
            await admin.close()

    async def _publish(self, transactions: KafkaTransactions) -> None:
        escalate_at = 0.0
        while True:
            if time.monotonic() >= escalate_at:
                await self._outbox.escalate()
                escalate_at = time.monotonic() + _ESCALATE_SECONDS
            self._is_due.clear()
            batch = await self._outbox.take()
            if batch is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, escalate_at - time.monotonic())):
                        await self._is_due.wait()
                continue
            number, outputs = batch
            await transactions.commit(outputs, Committed(number + 1))
            await self._outbox.published(number + 1)

    def _topic(self, name: str) -> str:
        return f"{self._settings.topic_prefix}{name}"


def outbox_group(settings: ReviewSettings) -> str:
    """Return the group whose offsets are numbers of batches."""
    return f"{settings.topic_prefix}{OUTBOX_GROUP}"


class Relays:
    """The relays of the partitions that this process has, and one look-out for all of them.

    Every `review_poll_seconds` the database is asked what is due, once for all of them; beside that
    each relay asks for its own when it escalates.
    """

    def __init__(self, settings: ReviewSettings, database: Database, close: Close) -> None:
        self._settings = settings
        self._database = database
        self._close = close
        self._items = settings.topic(topics.FALLBACK_REVIEW)
        self._running: dict[int, tuple[Relay, asyncio.Task[None]]] = {}
        self._look_out: asyncio.Task[None] | None = None

    async def hold(self, topic: str, partition: int) -> None:
        """Begin to publish a partition's decisions, when its items become this process's."""
        if topic == self._items and partition not in self._running:
            relay = Relay(self._settings, self._database, partition, self._close)
            task = asyncio.create_task(relay.run(), name=f"relay-{partition}")
            self._running[partition] = relay, task
            if self._look_out is None:
                self._look_out = asyncio.create_task(self._look_for_what_is_due(), name="look-out")

    async def let_go(self, topic: str, partition: int) -> None:
        """Stop; what is due is published by the partition's next owner."""
        if topic == self._items and partition in self._running:
            _, task = self._running.pop(partition)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stop(self) -> None:
        """Stop all."""
        for partition in list(self._running):
            await self.let_go(self._items, partition)
        if self._look_out is not None:
            self._look_out.cancel()
            await asyncio.gather(self._look_out, return_exceptions=True)
            self._look_out = None

    async def _look_for_what_is_due(self) -> None:
        """Tell the relays when there is something for them, until cancelled."""
        while True:
            await asyncio.sleep(self._settings.review_poll_seconds)
            held = [*self._running]
            try:
                due = await partitions_due(self._database, held, utc_now()) if held else frozenset()
            except Exception:  # noqa: BLE001 - each relay meets the same, and says so in `problem`
                due = frozenset(held)
            for partition in due.intersection(self._running):
                self._running[partition][0].look()

    async def problem(self) -> str | None:
        """Say what is in the way of publishing, if anything."""
        return next((relay.problem for relay, _ in self._running.values() if relay.problem), None)


async def _decided(
    settings: ReviewSettings, partition: TopicPartition, start: int
) -> AsyncIterator[Record]:
    """Yield the committed records of a partition, from an offset on to its end."""
    consumer = AIOKafkaConsumer(
        **connection(settings),
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        end: int = (await consumer.end_offsets([partition]))[partition]
        first: int = (await consumer.beginning_offsets([partition]))[partition]
        consumer.seek(partition, max(start, first))
        while await consumer.position(partition) < end:
            fetched = await consumer.getmany(partition, timeout_ms=_POLL_MS)
            for record in fetched.get(partition, ()):
                yield Record.of(record)
    finally:
        await consumer.stop()
