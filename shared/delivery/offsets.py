"""Positions committed without a transaction: where nothing is published, there is no need."""

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from shared.delivery.errors import CommitError

_GATHER_SECONDS: Final = 0.005


class Offsets:
    """Commits in the name of a consumer, the positions of all its partitions in one request.

    Kafka takes them only from a member of the group's present generation (docs/adr/0036), so a
    process that has lost its partitions moves no offset.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._gathered: dict[TopicPartition, tuple[int, str]] = {}
        self._next: asyncio.Task[None] | None = None

    async def commit(self, source: TopicPartition, position: int, metadata: str) -> None:
        """Commit a position, with those of other partitions that come at the same time.

        Raises aiokafka's `KafkaError`; of these `CommitFailedError` where the group has given the
        partition to another process. Whoever is cancelled here takes the others along, who get a
        `CommitError`: after that no request may leave in the name of a partition let go.
        """
        self._gathered[source] = position, metadata
        if self._next is None:
            self._next = asyncio.create_task(self._commit(), name="commit offsets")
        together = self._next
        try:
            await asyncio.shield(together)
        except asyncio.CancelledError:
            together.cancel()
            this = asyncio.current_task()
            if this is None or this.cancelling():
                raise
            raise CommitError(f"committing {source} was broken off with that of another") from None

    async def _commit(self) -> None:
        try:
            await asyncio.sleep(_GATHER_SECONDS)
        finally:
            gathered, self._gathered, self._next = self._gathered, {}, None
        if lost := gathered.keys() - self._consumer.assignment():
            raise CommitFailedError(f"not assigned to this process any more: {sorted(lost)}")
        await self._consumer.commit(gathered)
