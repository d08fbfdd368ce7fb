"""The requests of a commit, asked of a broker that is played here; real ones: tests/integration."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    InvalidProducerEpoch,
    ProducerFenced,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.record.memory_records import MemoryRecords

from shared.delivery import producer as module
from shared.delivery.producer import TransactionalProducer
from shared.delivery.record import Output
from shared.settings import Settings

SOURCE = TopicPartition("requests", 1)
CONCURRENT_TRANSACTIONS = 51
NOT_ATTEMPTED = 55
FENCED = 47
PRODUCER_FENCED = 90
UNAUTHORIZED = 29

Answer = Callable[[Any], int]


class Cluster:
    """What the client knows: two partitions of each topic, whose leaders are nodes 10 and 11."""

    unauthorized_topics: frozenset[str] = frozenset({"secret"})

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return None if topic in {"unknown", "secret"} else {0, 1}

    available_partitions_for_topic = partitions_for_topic

    def leader_for_partition(self, partition: TopicPartition) -> int:
        return 10 + int(partition.partition)


class Client:
    """A cluster: the transaction's coordinator is node 1, the group's node 2."""

    cluster = Cluster()

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.begun: list[str] = []
        self.requests: list[Any] = []
        self.codes: dict[str, list[int]] = {}
        """Error codes that a request gets first, by its name."""
        self.tags: dict[int, bytes] = {}
        """What it says of its features."""
        self.epoch = 3
        self.group_coordinator = 2
        self.missing: set[str] = set()
        """Requests that it is too old for, by name."""
        self.gates: dict[str, asyncio.Event] = {}
        """What a request of that name waits for."""

    async def bootstrap(self) -> None: ...

    async def close(self) -> None: ...

    def get_random_node(self) -> int:
        return 1

    async def set_topics(self, topics: Sequence[str]) -> None: ...

    def add_topic(self, topic: str) -> None: ...

    async def force_metadata_update(self) -> None: ...

    async def coordinator_lookup(self, kind: int, _: str) -> int:
        return {1: 1, 0: self.group_coordinator}[kind]

    async def send(self, node: int, request: Any) -> Any:
        name = type(request).__name__.removesuffix("Request")
        self.begun.append(name)
        self.requests.append(request)
        await asyncio.sleep(0)
        if name in self.gates:
            await self.gates[name].wait()
        self.asked.append((node, name))
        if name in self.missing:
            raise NotImplementedError(name)
        code = self.codes[name].pop(0) if self.codes.get(name) else 0
        each = [("topic", [(0, code, 0), (1, NOT_ATTEMPTED if code else 0, 0)])]
        if name == "EndTxn" and not code:
            self.epoch += 1
        return SimpleNamespace(
            error_code=code,
            errors=each,
            topics=each,
            producer_id=7,
            producer_epoch=self.epoch,
            tags=self.tags,
        )


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()
    monkeypatch.setattr(module, "AIOKafkaClient", lambda **_: client)
    return client


TRANSACTION_VERSION_2 = {2: b"\x02\x14transaction.version\x00\x02\x00\x02\x00"}


@pytest.fixture
def adding(client: Client) -> Client:
    """A cluster of one broker that adds to transactions itself, and is done with the last."""
    client.tags = TRANSACTION_VERSION_2
    client.group_coordinator = 10
    return client


async def started() -> TransactionalProducer:
    producer = TransactionalProducer(
        "ingest-requests-1", group="ingest", settings=Settings(bootstrap_servers="x")
    )
    await producer.start(["results"])
    return producer


def output(size: int = 1, partition: int | None = 0, topic: str = "results") -> Output:
    return Output(topic, b"key", b"v" * size, (("ce_id", b"1"), ("null", None)), partition)


def batches_of(client: Client) -> list[Any]:
    """Return every record batch that was written, in order."""
    written: list[Any] = []
    for request in client.requests:
        if type(request).__name__ == "ProduceRequest":
            for _, partitions in request._topics:
                for _, data in partitions:
                    records = MemoryRecords(data)
                    while records.has_next():
                        written.append(records.next_batch())
    return written


async def test_a_commit_asks_for_what_may_go_together_at_once_and_for_the_end_last(
    client: Client,
) -> None:
    producer = await started()
    client.begun.clear()
    client.asked.clear()
    await producer.commit([output()], SOURCE, 5, "")
    assert {*client.begun[:2]} == {"AddOffsetsToTxn", "AddPartitionsToTxn"}
    assert {*client.begun[2:4]} == {"Produce", "TxnOffsetCommit"}
    assert client.asked[-1] == (1, "EndTxn")
    assert {request: node for node, request in client.asked} == {
        "AddOffsetsToTxn": 1,
        "AddPartitionsToTxn": 1,
        "Produce": 10,
        "TxnOffsetCommit": 2,
        "EndTxn": 1,
    }


@pytest.mark.parametrize("name", ["AddPartitionsToTxn", "AddOffsetsToTxn"])
async def test_nothing_is_written_before_the_transaction_has_begun(
    client: Client, name: str
) -> None:
    client.codes[name] = [FENCED]
    producer = await started()
    with pytest.raises(InvalidProducerEpoch):
        await producer.commit([output()], SOURCE, 5, "")
    assert not {"Produce", "TxnOffsetCommit", "EndTxn"} & {*client.begun}


@pytest.mark.parametrize("name", ["Produce", "TxnOffsetCommit"])
async def test_what_was_not_written_is_not_committed(client: Client, name: str) -> None:
    client.codes[name] = [UNAUTHORIZED]
    producer = await started()
    with pytest.raises(TopicAuthorizationFailedError):
        await producer.commit([output()], SOURCE, 5, "")
    assert "EndTxn" not in client.begun


@pytest.mark.parametrize("name", ["InitProducerId", "AddPartitionsToTxn", "EndTxn"])
async def test_kafka_is_asked_again_while_it_is_busy_with_the_transaction_before(
    client: Client, name: str
) -> None:
    client.codes[name] = [CONCURRENT_TRANSACTIONS] * 3
    await (await started()).commit([output()], SOURCE, 5, "")
    assert client.begun.count(name) == 4


async def test_records_are_written_again_while_kafka_is_busy_but_not_those_that_it_has(
    adding: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[set[str]] = []
    send = adding.send

    async def busy_for_one_topic(node: int, request: Any) -> Any:
        answer = await send(node, request)
        if type(request).__name__ == "ProduceRequest":
            written.append({topic for topic, _ in request._topics})
            busy = CONCURRENT_TRANSACTIONS if len(written) < 3 else 0
            codes = {"results": 0, "dead.letters": busy}
            answer.topics = [(topic, [(0, codes[topic], 0)]) for topic in written[-1]]
        return answer

    monkeypatch.setattr(adding, "send", busy_for_one_topic)
    await (await started()).commit([output(), output(topic="dead.letters")], SOURCE, 5, "")

    assert written == [{"results", "dead.letters"}, {"dead.letters"}, {"dead.letters"}]
    assert adding.begun.count("EndTxn") == 1


async def test_a_commit_without_outputs_adds_no_partition(client: Client) -> None:
    await (await started()).commit([], SOURCE, 5, "")
    assert client.begun[2:] == ["AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn"]


async def test_records_of_one_partition_are_numbered_through_over_batches_and_commits(
    client: Client,
) -> None:
    producer = await started()
    await producer.commit([output(300_000)] * 3, SOURCE, 5, "")
    await producer.commit([output(), output(partition=1)], SOURCE, 6, "")
    seen = [(batch.base_sequence, len(list(batch))) for batch in batches_of(client)]
    assert sorted(seen) == [(0, 1), (0, 1), (1, 1), (2, 1), (3, 1)]
    assert {(b.producer_id, b.producer_epoch) for b in batches_of(client)} == {(7, 3)}
    assert all(batch.is_transactional for batch in batches_of(client))


async def test_large_outputs_go_out_compressed(client: Client) -> None:
    await (await started()).commit([output(), output(2_000_000)], SOURCE, 5, "")
    small, large = batches_of(client)
    assert (small.compression_type, large.compression_type) == (0, 1)
    (record,) = list(large)
    assert (record.value, record.headers) == (b"v" * 2_000_000, [("ce_id", b"1"), ("null", None)])


async def test_headers_count_when_a_batch_is_cut(client: Client) -> None:
    """A sender may put a megabyte of them on each request, and they are carried through."""
    carried = Output("results", b"key", b"{}", (("theirs", b"h" * 300_000),), 0)
    await (await started()).commit([carried] * 4, SOURCE, 5, "")
    assert [len(list(batch)) for batch in batches_of(client)] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("topic", "error"),
    [("unknown", UnknownTopicOrPartitionError), ("secret", TopicAuthorizationFailedError)],
)
async def test_a_topic_that_is_not_there_or_not_allowed_is_named(
    client: Client, topic: str, error: type[Exception]
) -> None:
    producer = await started()
    with pytest.raises(error, match=topic):
        await producer.commit([output(topic=topic)], SOURCE, 5, "")
    assert client.begun == ["Features", "InitProducerId"]


def offsets_of(client: Client) -> list[tuple[int, int]]:
    """Return the producer's epoch and the offset of each TxnOffsetCommit, in order."""
    asked = [r for r in client.requests if type(r).__name__ == "TxnOffsetCommitRequest"]
    return [(r._of[3], offset) for r in asked for _, [(_, offset, _)] in r._topics]


async def test_where_brokers_add_to_a_transaction_nothing_is_added_beforehand(
    adding: Client,
) -> None:
    producer = await started()
    adding.begun.clear()
    await producer.commit([output()], SOURCE, 5, "")
    assert {*adding.begun[:2]} == {"Produce", "TxnOffsetCommit"}
    assert adding.begun[2:] == ["EndTxn"]


@pytest.mark.parametrize("partition", [0, 1])
async def test_two_brokers_or_a_busy_one_are_not_asked_to_add_to_a_transaction_at_once(
    adding: Client, partition: int
) -> None:
    producer = await started()
    if partition == 0:  # its leader is the group's coordinator: then it is busy with the one before
        await producer.commit([], SOURCE, 4, "")
    adding.begun.clear()
    adding.gates["TxnOffsetCommit"] = asyncio.Event()
    committing = asyncio.create_task(producer.commit([output(1, partition)], SOURCE, 5, ""))
    for _ in range(20):
        await asyncio.sleep(0)
    assert adding.begun == ["TxnOffsetCommit"]
    adding.gates["TxnOffsetCommit"].set()
    await committing
    assert adding.begun == ["TxnOffsetCommit", "Produce", "EndTxn"]


async def test_an_old_broker_that_cannot_say_its_features_is_spoken_to_as_before(
    client: Client,
) -> None:
    client.missing = {"Features"}
    producer = await started()
    await producer.commit([output()], SOURCE, 5, "")
    assert "AddPartitionsToTxn" in client.begun


async def test_each_transaction_has_an_epoch_in_which_records_are_numbered_anew(
    adding: Client,
) -> None:
    producer = await started()
    for offset in (5, 6):
        await producer.commit([output(), output()], SOURCE, offset, "")
    seen = [(batch.producer_epoch, batch.base_sequence) for batch in batches_of(adding)]
    assert seen == [(3, 0), (4, 0)]
    assert offsets_of(adding) == [(3, 5), (4, 6)]


@pytest.mark.parametrize("code", [FENCED, PRODUCER_FENCED])
async def test_a_producer_that_was_fenced_says_so(adding: Client, code: int) -> None:
    adding.codes["EndTxn"] = [code]
    producer = await started()
    with pytest.raises((InvalidProducerEpoch, ProducerFenced)):
        await producer.commit([output()], SOURCE, 5, "")
