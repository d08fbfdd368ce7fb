"""A Kafka producer that does one thing: commit records and an input offset in one transaction.

Of a transaction's requests only these must follow each other: partitions are added before records
go to them, the group before its offset, and the end comes last. So a commit here takes three round
trips, where a general producer takes five:

    AddPartitionsToTxn, AddOffsetsToTxn  →  Produce, TxnOffsetCommit  →  EndTxn

What goes to one broker at once goes over one connection. A broker answers the requests of one
connection in turn, and that is needed: since Kafka 3.6 it asks the transaction's coordinator
about each of Produce and TxnOffsetCommit, and of two questions at once it fails the first.

aiokafka's client, protocol and record batches do the work; its own producer sends one of these
requests at a time (docs/adr/0007). Nothing is asked again but while Kafka says that it is busy: a
producer that failed is of no more use, and whoever starts the next aborts what it left.
"""

import asyncio
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NoError,
    OperationNotAttempted,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
    TxnOffsetCommitRequest,
)

from shared.connection import connection
from shared.delivery import batches
from shared.delivery.batches import Batches
from shared.delivery.record import Output
from shared.settings import Settings

_TRANSACTION_TIMEOUT_MS: Final = 30_000  # how long a dead process can hold back readers
_REQUEST_TIMEOUT_MS: Final = 10_000  # a half-open connection is given up well before that
_ALL_REPLICAS: Final = -1
_BUSY: Final = (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
)
_AGAIN_SECONDS: Final = 0.001  # what Kafka does after a commit takes about that
_AGAIN_MAX_SECONDS: Final = 0.05

T = TypeVar("T")


class TransactionalProducer:
    """Commits for `transactional_id`, with the offsets of consumer group `group`.

    Every method raises `KafkaError`; after that the producer is of no more use.
    """

    def __init__(self, transactional_id: str, *, group: str, settings: Settings) -> None:
        self._id = transactional_id
        self._group = group
        self._client = AIOKafkaClient(
            **connection(settings), request_timeout_ms=_REQUEST_TIMEOUT_MS
        )
        self._coordinator = self._group_coordinator = -1  # node ids
        self._producer = (-1, -1)  # Kafka's id for it, and its epoch
        self._sequences: Counter[TopicPartition] = Counter()
        self._partitioner = DefaultPartitioner()

    async def start(self, topics: Collection[str] = ()) -> None:
        """Fence whoever had the id before, abort what it left, and get to know `topics`."""
        await self._client.bootstrap()
        if topics:
            await self._client.set_topics(topics)
        self._coordinator = await self._node_of(CoordinationType.TRANSACTION, self._id)
        self._group_coordinator = await self._node_of(CoordinationType.GROUP, self._group)
        self._producer = await _until_free(self._initialized)

    async def commit(
        self, outputs: Sequence[Output], source: TopicPartition, offset: int, metadata: str
    ) -> None:
        """Write `outputs` and commit `offset` of `source`: all of it or nothing."""
        await self._learn({output.topic for output in outputs})
        requests = batches.encode(
            outputs, self._partition_of, producer=self._producer, sequences=self._sequences
        )
        first, *more = requests or [{}]
        await self._begin({partition for request in requests for partition in request})
        await _all(self._send(first), self._send_offset(source, offset, metadata))
        for request in more:
            await self._send(request)
        await _until_free(self._end)

    async def close(self) -> None:
        """Close the connections; an open transaction is left to whoever starts the next."""
        await self._client.close()

    async def _node_of(self, kind: CoordinationType, name: str) -> int:
        if self._client.get_random_node() is None:  # a broker that has only just started
            raise NodeNotReadyError
        node: int = await _until_free(lambda: self._client.coordinator_lookup(kind, name))
        return node

    async def _initialized(self) -> tuple[int, int]:
        answer = await self._ask(
            self._coordinator, InitProducerIdRequest(self._id, _TRANSACTION_TIMEOUT_MS)
        )
        _check(answer.error_code)
        return answer.producer_id, answer.producer_epoch

    async def _learn(self, topics: Collection[str]) -> None:
        cluster = self._client.cluster
        unknown = {topic for topic in topics if cluster.partitions_for_topic(topic) is None}
        if not unknown:
            return
        for topic in unknown:
            self._client.add_topic(topic)
        await self._client.force_metadata_update()
        for topic in unknown:
            if topic in cluster.unauthorized_topics:
                raise TopicAuthorizationFailedError(topic)
            if cluster.partitions_for_topic(topic) is None:
                raise UnknownTopicOrPartitionError(topic)

    def _partition_of(self, output: Output) -> TopicPartition:
        cluster = self._client.cluster
        everywhere = sorted(cluster.partitions_for_topic(output.topic))
        available = list(cluster.available_partitions_for_topic(output.topic))
        chosen = self._partitioner(output.key, everywhere, available)
        return TopicPartition(output.topic, chosen)

    async def _begin(self, partitions: Collection[TopicPartition]) -> None:
        """Add partitions and group to the transaction, which begins with that."""
        adding = [_until_free(self._add_group)]
        if partitions:
            adding.append(_until_free(lambda: self._add(partitions)))
        await _all(*adding)

    async def _add(self, partitions: Collection[TopicPartition]) -> None:
        by_topic: dict[str, list[int]] = defaultdict(list)
        for partition in partitions:
            by_topic[partition.topic].append(partition.partition)
        answer = await self._ask(
            self._coordinator,
            AddPartitionsToTxnRequest(self._id, *self._producer, list(by_topic.items())),
        )
        _check_each(answer.errors)

    async def _add_group(self) -> None:
        answer = await self._ask(
            self._coordinator, AddOffsetsToTxnRequest(self._id, *self._producer, self._group)
        )
        _check(answer.error_code)

    async def _send(self, written: Batches) -> None:
        """Write batches, one request to the leader of each."""
        by_leader: dict[int, Batches] = defaultdict(dict)
        for partition, batch in written.items():
            leader = self._client.cluster.leader_for_partition(partition)
            if leader is None or leader < 0:
                raise LeaderNotAvailableError(partition)
            by_leader[leader][partition] = batch
        await _all(*(self._produce(leader, own) for leader, own in by_leader.items()))

    async def _produce(self, leader: int, written: Batches) -> None:
        by_topic: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for partition, batch in written.items():
            by_topic[partition.topic].append((partition.partition, batch))
        answer = await self._ask(
            leader,
            ProduceRequest(self._id, _ALL_REPLICAS, _REQUEST_TIMEOUT_MS, list(by_topic.items())),
        )
        _check_each(answer.topics)

    async def _send_offset(self, source: TopicPartition, offset: int, metadata: str) -> None:
        position = [(source.topic, [(source.partition, offset, metadata)])]
        answer = await self._ask(
            self._group_coordinator,
            TxnOffsetCommitRequest(self._id, self._group, *self._producer, position),
        )
        _check_each(answer.errors)

    async def _end(self) -> None:
        answer = await self._ask(
            self._coordinator,
            EndTxnRequest(self._id, *self._producer, True),  # noqa: FBT003 - commit
        )
        _check(answer.error_code)

    async def _ask(self, node: int, request: Any) -> Any:
        try:
            return await self._client.send(node, request)
        except struct.error as error:  # an answer that is none
            raise KafkaError(repr(error)) from error


async def _until_free(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while Kafka is still busy with the transaction before, or with its start."""
    pause = _AGAIN_SECONDS
    deadline = time.monotonic() + _REQUEST_TIMEOUT_MS / 1000
    while True:
        try:
            return await ask()
        except _BUSY:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, _AGAIN_MAX_SECONDS)


async def _all(*asking: Awaitable[None]) -> None:
    """Wait for all of them, whatever becomes of each; raise the first error."""
    for outcome in await asyncio.gather(*asking, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _check(code: int) -> None:
    error = for_code(code)
    if error is not NoError:
        raise error


def _check_each(topics: Iterable[tuple[str, Iterable[tuple[Any, ...]]]]) -> None:
    """Raise the first error of an answer with one for each partition, but for its followers."""
    errors = [(for_code(code), topic) for topic, each in topics for _, code, *_ in each]
    failed = [(error, topic) for error, topic in errors if error is not NoError]
    failed.sort(key=lambda one: one[0] is OperationNotAttempted)
    for error, topic in failed:
        raise error(topic)
