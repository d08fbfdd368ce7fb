"""Record batches: what a commit writes, cut and encoded as Kafka takes it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.delivery.record import Output

_BATCH_BYTES: Final = 512 * 1024  # half of what a topic takes by default
_LARGE_BYTES: Final = 1024 * 1024
_UNBOUNDED: Final = 2**31 - 1  # batches are cut before they are built
_PLAIN: Final = 0
_GZIP: Final = 1


def cut(
    outputs: Iterable[Output], partition_of: Callable[[Output], TopicPartition]
) -> list[dict[TopicPartition, list[Output]]]:
    """Return the outputs by partition, one batch of each to a request, in order.

    What fits goes in the first request. A record larger than a batch has one to itself.
    """
    chunks: dict[TopicPartition, list[list[Output]]] = defaultdict(list)
    sizes: dict[TopicPartition, int] = {}
    for output in outputs:
        partition = partition_of(output)
        size = output.size
        sizes[partition] = sizes.get(partition, _BATCH_BYTES) + size
        if sizes[partition] > _BATCH_BYTES:
            chunks[partition].append([])
            sizes[partition] = size
        chunks[partition][-1].append(output)
    return [
        {partition: each[number] for partition, each in chunks.items() if number < len(each)}
        for number in range(max(map(len, chunks.values()), default=0))
    ]


def encode(outputs: Sequence[Output], producer: tuple[int, int], sequence: int) -> bytes:
    """Return one batch of a transaction of `producer` (id and epoch), numbered from `sequence`.

    A record that came compressed may be larger than its topic's limit once it is unpacked, so a
    large one goes out compressed, too.
    """
    large = len(outputs) == 1 and outputs[0].size > _LARGE_BYTES  # `cut` leaves it alone
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=_GZIP if large else _PLAIN,
        is_transactional=1,
        producer_id=producer[0],
        producer_epoch=producer[1],
        base_sequence=sequence,
        batch_size=_UNBOUNDED,
    )
    now = int(time.time() * 1000)
    for number, output in enumerate(outputs):
        builder.append(number, now, output.key, output.value, list(output.headers))
    return bytes(builder.build())
