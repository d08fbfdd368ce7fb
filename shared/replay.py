"""A topic read from its beginning by each process on its own, outside any consumer group.

For state that every process needs whole: releases, the index. A compacted topic holds the newest
record of each key, so what is read is the state itself.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from shared.connection import connection
from shared.delivery.errors import FatalError
from shared.delivery.record import Record
from shared.settings import Settings
from shared.topics import Topic

_POLL_MS = 500


class StaleError(FatalError):
    """A topic is followed no longer; what is known of it could be outdated."""

    def __init__(self, topic: str, error: BaseException) -> None:
        super().__init__(
            f"{topic} cannot be followed ({type(error).__name__}: {error}): mend that, then start "
            "the service again; it reads the topic anew"
        )


class Replay:
    """All partitions of one topic, committed records only, in batches.

    Use as `async with`. With a `group`, `commit` leaves word of how far this process is under
    that group's name; nothing is ever resumed from there. `source` tells this topic from another
    of the same name on another cluster.
    """

    def __init__(self, settings: Settings, topic: Topic, *, group: str | None = None) -> None:
        self._settings = settings
        self._topic = settings.topic(topic)
        self._group = group
        self._partitions: list[TopicPartition] = []
        self._begin: dict[TopicPartition, int] = {}
        self.source = ""
        self._consumer: Any = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Take every partition, at its beginning. Raises a `KafkaError` without the topic."""
        self._partitions = await self._look_up_partitions()
        self._consumer = AIOKafkaConsumer(
            **connection(self._settings),
            group_id=self._group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        async with AsyncExitStack() as opening:
            opening.push_async_callback(self._consumer.stop)
            await self._consumer.start()
            self._consumer.assign(self._partitions)
            self._begin = await self._consumer.beginning_offsets(self._partitions)
            self.rewind()
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def rewind(self) -> None:
        """Go back to where this reading began."""
        for partition, offset in self._begin.items():
            self._consumer.seek(partition, offset)

    async def begin_at(self, positions: Mapping[int, int]) -> bool:
        """Begin at these offsets, by partition number, and not at the beginning of the topic.

        False, and nothing has changed, when they are not of this topic as it is: it is shorter,
        has other partitions, or has lost records that were not yet read.
        """
        begin = {TopicPartition(self._topic, number): at for number, at in positions.items()}
        if set(begin) != set(self._partitions):
            return False
        end = await self._consumer.end_offsets(self._partitions)
        if not all(self._begin[p] <= offset <= end[p] for p, offset in begin.items()):
            return False
        self._begin = begin
        self.rewind()
        return True

    async def positions(self) -> dict[int, int]:
        """Return by partition number what comes next."""
        return {p.partition: await self._consumer.position(p) for p in self._partitions}

    async def to_end(self) -> AsyncIterator[list[Record]]:
        """Yield what there is, up to the end that the topic has now."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self._partitions)
        for partition, end in ends.items():
            while await self._consumer.position(partition) < end:
                if batch := await self._poll(partition):
                    yield batch

    async def onwards(self) -> AsyncIterator[list[Record]]:
        """Yield what comes, for ever."""
        while True:
            if batch := await self._poll():
                yield batch

    @asynccontextmanager
    async def followed(
        self, take: Callable[[list[Record]], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Give `take` all that there is; then, while the context lasts, what comes.

        When following fails, whatever runs inside the context is cancelled, and the context ends
        with `StaleError`: nobody goes on with state that stands still.
        """
        async for batch in self.to_end():
            await take(batch)
        try:
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow(take), name=self._topic)
                yield
                following.cancel()
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def _follow(self, take: Callable[[list[Record]], Awaitable[None]]) -> None:
        try:
            async for batch in self.onwards():
                await take(batch)
        except Exception as error:
            raise StaleError(self._topic, error) from error

    async def commit(self) -> None:
        """Leave word that everything yielded so far is dealt with."""
        await self._consumer.commit()

    async def _poll(self, *partitions: TopicPartition) -> list[Record]:
        fetched = await self._consumer.getmany(*partitions, timeout_ms=_POLL_MS)
        return [Record.of(each) for records in fetched.values() for each in records]

    async def _look_up_partitions(self) -> list[TopicPartition]:
        admin = AIOKafkaAdminClient(**connection(self._settings))
        await admin.start()
        try:
            (description,) = await admin.describe_topics([self._topic])
            cluster = await admin.describe_cluster()
            self.source = f"{cluster['cluster_id']}/{self._topic}"
        finally:
            await admin.close()
        if description["error_code"]:
            raise for_code(description["error_code"])(
                f"topic {self._topic} cannot be read: create it with `glideslope topics create`, "
                "or give this user the rights that `glideslope access kafka` prints"
            )
        return [TopicPartition(self._topic, p["partition"]) for p in description["partitions"]]


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
