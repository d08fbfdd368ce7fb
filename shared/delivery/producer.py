"""A Kafka producer that does one thing: commit records and an input offset in one transaction.

Of a transaction's requests only these must follow each other: partitions are added before records
go to them, the group before its offset, and the end comes last. So a commit here takes three round
trips, where a general producer takes five:

    AddPartitionsToTxn, AddOffsetsToTxn  →  Produce, TxnOffsetCommit  →  EndTxn

Where the brokers add them themselves (KIP-890: Kafka 4.0 with `transaction.version` 2) it takes two
(docs/adr/0035):

    Produce, TxnOffsetCommit  →  EndTxn

What goes to one broker at once goes over one connection. A broker answers the requests of one
connection in turn, and that is needed: since Kafka 3.6 it asks the transaction's coordinator
about each of Produce and TxnOffsetCommit, and of two questions at once it fails the first.

aiokafka's client, protocol and record batches do the work; its own producer sends one of these
requests at a time (docs/adr/0007). Nothing is asked again but while Kafka says that it is busy: a
producer that failed is of no more use, and whoever starts the next aborts what it left.
"""

import struct
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NoError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    InitProducerIdRequest,
)

from shared.connection import connection
from shared.delivery import batches, dialects
from shared.delivery.answers import all_of, check, check_each, until_free
from shared.delivery.batches import Batches
from shared.delivery.record import Output
from shared.settings import Settings

_TRANSACTION_TIMEOUT_MS: Final = 30_000  # how long a dead process can hold back readers
_REQUEST_TIMEOUT_MS: Final = 10_000  # a half-open connection is given up well before that
_ALL_REPLICAS: Final = -1
_REST_SECONDS: Final = 0.01  # after which Kafka is done with the transaction before


@dataclass(frozen=True, slots=True)
class Position:
    """What a transaction commits of its input: an offset and its metadata."""

    source: TopicPartition
    offset: int
    metadata: str


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
        self._dialect = dialects.EXPLICIT
        self._ended = 0.0

    async def start(self, topics: Collection[str] = ()) -> None:
        """Fence whoever had the id before, abort what it left, and get to know `topics`."""
        await self._client.bootstrap()
        if topics:
            await self._client.set_topics(topics)
        self._coordinator = await self._node_of(CoordinationType.TRANSACTION, self._id)
        self._group_coordinator = await self._node_of(CoordinationType.GROUP, self._group)
        self._dialect = await self._spoken()
        self._producer = await until_free(self._initialized)

    async def commit(
        self, outputs: Sequence[Output], source: TopicPartition, offset: int, metadata: str
    ) -> None:
        """Write `outputs` and commit `offset` of `source`: all of it or nothing."""
        await self._learn({output.topic for output in outputs})
        requests = batches.encode(
            outputs, self._partition_of, producer=self._producer, sequences=self._sequences
        )
        first, *more = requests or [{}]
        partitions = {partition for request in requests for partition in request}
        position = Position(source, offset, metadata)
        await self._begin(partitions)
        if self._go_together(partitions):
            await all_of(self._send(first), self._send_offset(position))
        else:
            await self._send_offset(position)
            await self._send(first)
        for request in more:
            await self._send(request)
        await self._end()

    async def close(self) -> None:
        """Close the connections; an open transaction is left to whoever starts the next."""
        await self._client.close()

    def _go_together(self, partitions: Collection[TopicPartition]) -> bool:
        """Whether records and offset can be under way at once.

        What adds to a transaction cannot, where several brokers would add to it at the same time,
        or where Kafka may be busy with the one before: a Produce then waits for 20 ms
        (`add.partitions.to.txn.retry.backoff.ms`), while a TxnOffsetCommit can be repeated.
        """
        if not self._dialect.adds:
            return True
        leaders = {self._leader(partition) for partition in partitions}
        has_rested = time.monotonic() - self._ended > _REST_SECONDS
        return has_rested and leaders <= {self._group_coordinator}

    async def _node_of(self, kind: CoordinationType, name: str) -> int:
        if self._client.get_random_node() is None:  # a broker that has only just started
            raise NodeNotReadyError
        node: int = await until_free(lambda: self._client.coordinator_lookup(kind, name))
        return node

    async def _spoken(self) -> dialects.Dialect:
        try:
            answer = await self._ask(self._coordinator, dialects.FeaturesRequest())
        except NotImplementedError:  # aiokafka's word for a broker that is too old: before 2.4
            return dialects.EXPLICIT
        return dialects.spoken(answer)

    async def _initialized(self) -> tuple[int, int]:
        answer = await self._ask(
            self._coordinator, InitProducerIdRequest(self._id, _TRANSACTION_TIMEOUT_MS)
        )
        check(answer.error_code)
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
        """Add partitions and group to the transaction, unless what comes next does."""
        if self._dialect.adds:
            return
        adding = [until_free(self._add_group)]
        if partitions:
            adding.append(until_free(lambda: self._add(partitions)))
        await all_of(*adding)

    async def _add(self, partitions: Collection[TopicPartition]) -> None:
        by_topic: dict[str, list[int]] = defaultdict(list)
        for partition in partitions:
            by_topic[partition.topic].append(partition.partition)
        answer = await self._ask(
            self._coordinator,
            AddPartitionsToTxnRequest(self._id, *self._producer, list(by_topic.items())),
        )
        check_each(answer.errors)

    async def _add_group(self) -> None:
        answer = await self._ask(
            self._coordinator, AddOffsetsToTxnRequest(self._id, *self._producer, self._group)
        )
        check(answer.error_code)

    async def _send(self, written: Batches) -> None:
        """Write batches, one request to the leader of each."""
        by_leader: dict[int, Batches] = defaultdict(dict)
        for partition, batch in written.items():
            by_leader[self._leader(partition)][partition] = batch
        if self._dialect.adds:  # of several that add to a transaction at once, one has to wait
            for leader, own in by_leader.items():
                await self._produce(leader, own)
        elif by_leader:
            await all_of(*(self._produce(leader, own) for leader, own in by_leader.items()))

    async def _produce(self, leader: int, written: Batches) -> None:
        """Write batches to their leader; what it was too busy to take it is asked again to."""
        left = dict(written)
        await until_free(lambda: self._try_produce(leader, left))

    async def _try_produce(self, leader: int, left: Batches) -> None:
        by_topic: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for partition, batch in left.items():
            by_topic[partition.topic].append((partition.partition, batch))
        answer = await self._ask(
            leader,
            self._dialect.produce(
                self._id, _ALL_REPLICAS, _REQUEST_TIMEOUT_MS, list(by_topic.items())
            ),
        )
        for topic, each, *_ in answer.topics:
            for number, code, *_rest in each:
                if code == NoError.errno:
                    left.pop(TopicPartition(topic, number), None)
        check_each(answer.topics)

    async def _send_offset(self, position: Position) -> None:
        await until_free(lambda: self._try_offset(position))

    async def _try_offset(self, position: Position) -> None:
        source = position.source
        offsets = [(source.topic, [(source.partition, position.offset, position.metadata)])]
        answer = await self._ask(
            self._group_coordinator,
            self._dialect.commit_offset(self._id, self._group, *self._producer, offsets),
        )
        check_each(answer.errors)

    async def _end(self) -> None:
        answer = await until_free(self._try_end)
        if self._dialect.adds:  # and each transaction has an epoch of its own
            self._producer = answer.producer_id, answer.producer_epoch
            self._sequences.clear()
        self._ended = time.monotonic()

    async def _try_end(self) -> Any:
        answer = await self._ask(
            self._coordinator,
            self._dialect.end(self._id, *self._producer, True),  # noqa: FBT003 - commit
        )
        check(answer.error_code)
        return answer

    def _leader(self, partition: TopicPartition) -> int:
        leader: int | None = self._client.cluster.leader_for_partition(partition)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(partition)
        return leader

    async def _ask(self, node: int, request: Any) -> Any:
        try:
            return await self._client.send(node, request)
        except struct.error as error:  # an answer that is none
            raise KafkaError(repr(error)) from error
