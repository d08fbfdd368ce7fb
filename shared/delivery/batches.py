"""Record batches: what a commit writes, cut and encoded as Kafka takes it."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.delivery.record import Output

_BATCH_BYTES: Final = 512 * 1024  # half of what a topic takes by default
_LARGE_BYTES: Final = 1024 * 1024
_PLAIN: Final = 0
_GZIP: Final = 1

Batches = dict[TopicPartition, bytes]
"""One request's worth: Kafka takes one batch a partition."""


class Batch:
    """One batch of a transaction of `producer` (id and epoch), numbered from `sequence`.

    A record that came compressed may be larger than its topic's limit once it is unpacked, so a
    large one goes out compressed, too.
    """

    def __init__(self, first: Output, producer: tuple[int, int], sequence: int, now: int) -> None:
        self.count = 0
        self._now = now
        self._builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=_GZIP if first.size > _LARGE_BYTES else _PLAIN,
            is_transactional=1,
            producer_id=producer[0],
            producer_epoch=producer[1],
            base_sequence=sequence,
            batch_size=_BATCH_BYTES,
        )
        self._append = self._builder.append
        self.add(first)

    def add(self, output: Output) -> bool:
        """Add a record; False if the batch is full. The first may be larger than a batch."""
        number = self.count
        if self._append(number, self._now, output.key, output.value, [*output.headers]) is None:
            return False
        self.count = number + 1
        return True

    def encoded(self) -> bytes:
        """Return the batch as it goes to Kafka."""
        return bytes(self._builder.build())


def encode(
    outputs: Iterable[Output],
    partition_of: Callable[[Output], TopicPartition],
    *,
    producer: tuple[int, int],
    sequences: Counter[TopicPartition],
) -> list[Batches]:
    """Return the outputs in batches, one of each partition to a request, in order.

    `partition_of` is asked for records that name none. What fits goes in the first request; a
    record larger than a batch has one to itself. Numbers go on from what `sequences` has for each
    partition, which is brought up to date.
    """
    now = int(time.time() * 1000)
    made: dict[TopicPartition, list[Batch]] = defaultdict(list)
    last: dict[tuple[str, int], Batch] = {}
    for output in outputs:
        number = output.partition
        place = partition_of(output) if number is None else (output.topic, number)
        batch = last.get(place)
        if batch is None or not batch.add(output):
            partition = TopicPartition(*place)
            sequence = sequences[partition] + sum(batch.count for batch in made[partition])
            last[place] = Batch(output, producer, sequence, now)
            made[partition].append(last[place])
    for partition, each in made.items():
        sequences[partition] += sum(batch.count for batch in each)
    return [
        {
            partition: each[number].encoded()
            for partition, each in made.items()
            if number < len(each)
        }
        for number in range(max(map(len, made.values()), default=0))
    ]
