"""Partitions whose records nobody waits for: they are asked for now and then, and not always."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

_REST_SECONDS: Final = 0.25
_BACKLOG: Final = 64  # records at once that show that there are more


class Unhurried:
    """Lets the partitions of `topics` rest between two fetches while others are busy.

    A request for records names each partition that it asks for, and consumer and broker look at
    each, whether it has anything or not. A service of many topics would look at all of them for
    each record of one. So what has given its records rests for a quarter of a second, unless there
    were many; and while nothing comes from anywhere, all are asked.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topics: Collection[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._consumer = consumer
        self._topics = frozenset(topics)
        self._clock = clock
        self._awake: set[TopicPartition] = set()
        self._woken = 0.0

    def wake(self) -> None:
        """Have the partitions asked for again whose rest is over."""
        now = self._clock()
        if not self._topics or 0 <= now - self._woken < _REST_SECONDS:
            return
        self._woken = now
        self._awake = {p for p in self._consumer.assignment() if p.topic in self._topics}
        self._consumer.resume(*self._awake)

    def rest(
        self, asked: Collection[TopicPartition], fetched: Mapping[TopicPartition, Sequence[object]]
    ) -> None:
        """Let those rest that have answered since they were woken; nothing may be awaited before.

        `fetched` is all that there was of the partitions `asked`: what has been fetched of others
        would be lost with a rest, and fetched again.
        """
        resting = [
            partition
            for partition in self._awake.intersection(asked)
            if len(fetched.get(partition, ())) < _BACKLOG and self._has_answered(partition)
        ]
        self._consumer.pause(*resting)
        self._awake.difference_update(resting)

    def _has_answered(self, partition: TopicPartition) -> bool:
        if partition not in self._consumer.assignment():
            return False
        at: int | None = self._consumer.last_poll_timestamp(partition)
        return at is not None and at >= int(self._woken * 1000)
