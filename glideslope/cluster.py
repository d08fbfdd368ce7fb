"""The Kafka cluster as the command line speaks to it: every client is opened here.

Errors that a person can do something about:

    ClusterError
    ├── UnreachableError      no broker answers
    ├── RefusedError          none that is to be reached over TLS lets us in
    └── TopicsMissingError    `glideslope topics create` has not been run
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from glideslope.reader import Reader
from shared import topics
from shared.connection import connection
from shared.settings import Settings
from shared.topics import Topic

SOURCE: Final = "/glideslope/cli"
"""CloudEvents source of what the command line publishes, unless the sender names another."""

_ANSWER_WITHIN_MS: Final = 10_000
_FETCH_WAIT_MS: Final = 100
_SETTLE_SECONDS: Final = 0.05
_VISIBLE_SECONDS: Final = 20.0
_TRANSACTION_TIMEOUT_MS: Final = 15_000  # how long a command that was killed can hold back readers

T = TypeVar("T")
_Client = TypeVar(
    "_Client", AIOKafkaProducer, AIOKafkaConsumer, AIOKafkaAdminClient, AIOKafkaClient
)


class ClusterError(Exception):
    """The cluster cannot be worked with as it is."""


class RefusedError(ClusterError):
    """Brokers are to be reached in safety, and none lets us in, or is what it should be."""

    def __init__(self, settings: Settings) -> None:
        protocol = settings.kafka_security_protocol
        super().__init__(
            f"no Kafka broker at '{settings.bootstrap_servers}' can be used over {protocol}: see "
            f"that it listens there for {protocol}, that KAFKA_SSL_CA_FILE has signed its "
            f"certificate, and that it knows {settings.kafka_sasl_username or 'us by ours'}"
        )


class UnreachableError(ClusterError):
    """No Kafka broker answers at the bootstrap address. `unset`: what to do if none is set."""

    def __init__(
        self,
        bootstrap_servers: str,
        unset: str = "start one with `glideslope up`; it is found from the folder where that was "
        "started, or by the same GLIDESLOPE_HOME",
    ) -> None:
        super().__init__(
            f"no Kafka broker answers at '{bootstrap_servers}': set KAFKA_BOOTSTRAP_SERVERS to a "
            f"cluster that runs, or leave it unset and {unset}"
        )


class TopicsMissingError(ClusterError):
    """Topics of the pipeline do not exist."""

    def __init__(self, names: Iterable[str], *, secured: bool = False) -> None:
        super().__init__(
            f"these topics do not exist: {', '.join(sorted(names))}; "
            "create them with `glideslope topics create`"
            + (", or get the right to see them: `glideslope access kafka`" if secured else "")
        )


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an admin client. Raises `UnreachableError`."""
    client = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=_ANSWER_WITHIN_MS)
    async with _started(client, settings):
        yield client


@asynccontextmanager
async def bare_client(settings: Settings) -> AsyncIterator[AIOKafkaClient]:
    """Open a bare client, for what the others do not ask of brokers. Raises `UnreachableError`."""
    client = AIOKafkaClient(**connection(settings), request_timeout_ms=_ANSWER_WITHIN_MS)
    async with _started(client, settings):
        yield client


@asynccontextmanager
async def producer(
    settings: Settings, *, transactional_id: str | None = None, compress: bool = False
) -> AsyncIterator[AIOKafkaProducer]:
    """Open an idempotent producer; what it sent is confirmed by every replica in sync.

    With a `transactional_id` whoever held it before can commit nothing more. `compress` lets
    records pass that came compressed and are over their topic's limit without. Raises
    `UnreachableError`.
    """
    client = AIOKafkaProducer(
        **connection(settings),
        request_timeout_ms=_ANSWER_WITHIN_MS,
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS,
        compression_type="gzip" if compress else None,
        acks="all",
        max_request_size=max(topic.max_bytes for topic in topics.ALL),
    )
    async with _started(client, settings):
        yield client


@asynccontextmanager
async def reader(
    settings: Settings,
    *wanted: Topic,
    start: Literal["beginning", "end"] = "beginning",
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
) -> AsyncIterator[Reader]:
    """Open a reader of topics that belongs to no consumer group.

    It stands at the beginning of each partition, or at its end: what is committed after this
    returned is then read, and nothing from before. Raises `UnreachableError` and
    `TopicsMissingError`.
    """
    partitions = await partitions_of(settings, *wanted)
    client = AIOKafkaConsumer(
        **connection(settings),
        request_timeout_ms=_ANSWER_WITHIN_MS,
        enable_auto_commit=False,
        isolation_level=isolation,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    async with _started(client, settings):
        everything = [partition for each in partitions.values() for partition in each]
        client.assign(everything)  # first, or each topic's leaders are asked for one by one
        ends = await client.end_offsets(everything)
        beginnings = await client.beginning_offsets(everything)
        for partition in everything:
            client.seek(partition, (beginnings if start == "beginning" else ends)[partition])
        names = {settings.topic(topic): topic for topic in wanted}
        yield Reader(client, names, beginnings, ends)


async def await_committed(settings: Settings, written: Mapping[Topic, Mapping[int, int]]) -> None:
    """Wait until readers see what a transaction has written: by topic, partition → last offset.

    A broker answers a commit before its marker is in the partition. Raises `UnreachableError`,
    `TopicsMissingError`, and `ClusterError` where a broker takes very long.
    """
    ends = {
        TopicPartition(settings.topic(topic), number): offset + 1
        for topic, offsets in written.items()
        for number, offset in offsets.items()
    }
    if not ends:
        return
    async with reader(settings, *written) as committed:
        if late := await committed.settle(ends, _VISIBLE_SECONDS):
            names = ", ".join(sorted({each.topic for each in late}))
            raise ClusterError(
                f"what was written to {names} is committed, and cannot be read after "
                f"{_VISIBLE_SECONDS:g} s: see that the brokers are well"
            )


async def partitions_of(settings: Settings, *wanted: Topic) -> dict[Topic, list[TopicPartition]]:
    """Return the partitions of topics. Raises `UnreachableError` and `TopicsMissingError`.

    It asks for the list of all topics, because asking for one by name may create it.
    """
    async with admin(settings) as client:
        described = {each["topic"]: each for each in await client.describe_topics()}
    names = {topic: settings.topic(topic) for topic in wanted}
    missing = set(names.values()) - described.keys()
    if missing:
        raise TopicsMissingError(missing, secured=settings.kafka_security_protocol != "PLAINTEXT")
    return {
        topic: [
            TopicPartition(name, number)
            for number in sorted(each["partition"] for each in described[name]["partitions"])
        ]
        for topic, name in names.items()
    }


async def patient(records: AsyncIterator[T], seconds: float) -> AsyncIterator[T]:
    """Yield what `records` yields, until nothing has come for so many seconds."""
    while True:
        try:
            yield await asyncio.wait_for(anext(records), seconds)
        except (TimeoutError, StopAsyncIteration):
            return


@asynccontextmanager
async def _started(client: _Client, settings: Settings) -> AsyncIterator[_Client]:
    closes = isinstance(client, (AIOKafkaAdminClient, AIOKafkaClient))
    close = client.close if closes else client.stop
    try:
        try:
            await (client.bootstrap() if isinstance(client, AIOKafkaClient) else client.start())
        except KafkaConnectionError as error:
            if settings.kafka_security_protocol != "PLAINTEXT":
                raise RefusedError(settings) from error
            raise UnreachableError(settings.bootstrap_servers) from error
        yield client
    finally:
        await close()
