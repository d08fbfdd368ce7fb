"""What is read of topics for a command, by nobody's group: up to their ends, or as it comes."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.delivery import Record
from shared.topics import Topic

_SETTLE_SECONDS: Final = 0.05


class Reader:
    """What is committed on some topics.

    `beginnings` and `ends` are each partition's offsets when the reader was opened or settled; an
    end counts transaction markers too, so their difference is at least the number of records.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        names: Mapping[str, Topic],
        beginnings: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        self._consumer = consumer
        self._names = names
        self.beginnings = beginnings
        self.ends = ends

    async def to_end(self) -> AsyncIterator[tuple[Topic, Record]]:
        """Yield every record up to the ends as they stood when the reader was opened."""
        open_ = {partition for partition in self.ends if not await self._at_end(partition)}
        while open_:
            for topic, record in await self._fetch(*open_):
                if record.offset < self.ends[TopicPartition(record.topic, record.partition)]:
                    yield topic, record
            ended = {partition for partition in open_ if await self._at_end(partition)}
            open_ -= ended
            self._consumer.pause(*ended)

    async def settle(
        self, written: Mapping[TopicPartition, int], seconds: float
    ) -> set[TopicPartition]:
        """Move the ends on until all that is before `written` is committed or aborted.

        Return the partitions where it is not after so many seconds.
        """
        give_up = time.monotonic() + seconds
        while open_ := {each for each, end in written.items() if self.ends[each] < end}:
            if time.monotonic() >= give_up:
                return open_
            await asyncio.sleep(_SETTLE_SECONDS)
            self.ends = {**self.ends, **await self._consumer.end_offsets(list(open_))}
        return set()

    def start_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Move to given offsets; a partition that is not named stays where it is."""
        for partition, offset in offsets.items():
            self._consumer.seek(partition, offset)

    async def start_since(self, moment: datetime) -> None:
        """Move to the first records that brokers have taken since a moment."""
        milliseconds = int(moment.timestamp() * 1000)
        found = await self._consumer.offsets_for_times(dict.fromkeys(self.ends, milliseconds))
        self.start_at(
            {
                partition: self.ends[partition] if at is None else at.offset
                for partition, at in found.items()
            }
        )

    def only(self, partition: int) -> None:
        """Read nothing any more but this partition number."""
        self._consumer.pause(*(each for each in self.ends if each.partition != partition))

    def resume(self) -> None:
        """Go on after `to_end`, from each partition's end; what it fetched beyond is read again."""
        self.start_at(self.ends)
        self._consumer.resume(*self.ends)

    async def follow(self) -> AsyncIterator[tuple[Topic, Record]]:
        """Yield records as they come, for ever."""
        while True:
            for topic, record in await self._fetch():
                yield topic, record

    async def _fetch(self, *partitions: TopicPartition) -> list[tuple[Topic, Record]]:
        fetched = await self._consumer.getmany(*partitions, timeout_ms=500)
        return [
            (self._names[partition.topic], Record.of(each))
            for partition, records in fetched.items()
            for each in records
        ]

    async def _at_end(self, partition: TopicPartition) -> bool:
        return bool(await self._consumer.position(partition) >= self.ends[partition])
