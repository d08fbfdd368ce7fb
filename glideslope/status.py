"""The pipeline as it stands: what is on its topics, how far each service is, whether it adds up.

Everything is read as a `read_committed` consumer sees it. Offsets count transaction markers too,
so a topic's records and a group's lag are counted by reading; only a topic that neither the
reconciliation nor a lagging group makes us read has just its offsets, an upper bound.

The groups' offsets are read first. A record that a group had passed by then has its successors in
the same transaction, so all that was written by then is waited for, and what is read after it
shows where each request went, or that it went nowhere.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from glideslope import cluster
from glideslope.identity import RequestName, origin, request_of
from glideslope.indexing import INDEX_GROUPS
from glideslope.ledger import ENDS, READ, WORKED_ON_BY, Ledger, digest_of
from glideslope.reader import Reader
from glideslope.reconciliation import Fault, Reconciliation
from shared import topics
from shared.cloudevents import UnreadableError
from shared.delivery import Record
from shared.settings import Settings
from shared.topics import Topic

CONSUMED: Final[Mapping[str, tuple[Topic, ...]]] = {
    "ingest": (topics.REQUESTS, topics.DOCUMENTS, topics.FEEDBACK, topics.RETRIES["ingest"]),
    "inference": (
        topics.REQUESTS_ACCEPTED,
        topics.FALLBACK_REGENERATE,
        topics.SHADOWS_REQUESTED,
        topics.SHADOWS_CHECKED,
        topics.RETRIES["inference"],
    ),
    **dict.fromkeys(INDEX_GROUPS, (topics.DOCUMENTS_ACCEPTED,)),
    "validator": (
        topics.ANSWERS_DRAFTED,
        topics.SHADOWS_DRAFTED,
        topics.REVIEWS_PROPOSED,
        topics.RETRIES["validator"],
    ),
    "review": (
        topics.FALLBACK_REVIEW,
        topics.REVIEWS_CHECKED,
        topics.REVIEWS_DECIDED,
        topics.SUBJECTS_ERASED,
        topics.RETRIES["review"],
    ),
    "audit": topics.ALL,
}
"""Which topics each consumer group works through; its name on the cluster has the prefix.

Only one of the two that index is at work: see `INDEX_GROUPS`.
"""

_NAMED_AT_MOST: Final = 10
_SETTLE_SECONDS: Final = 5.0
"""How long open transactions are waited for; of a process that died, one is open for longer."""


@dataclass(frozen=True, slots=True)
class TopicStock:
    """What a topic holds. `records` is exact, or None; `offsets` is at least as many."""

    name: str
    records: int | None
    offsets: int


@dataclass(frozen=True, slots=True)
class GroupStock:
    """How far a consumer group is. `lag` is in records; `members` are processes at work."""

    name: str
    members: int
    lag: int
    lag_by_topic: Mapping[str, int]
    dead_letters: int


@dataclass(frozen=True, slots=True)
class NamedFault:
    """A fault with the request that it is about, where it is about one."""

    what: str
    request_source: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Stock:
    """All of it. `faults` names the first ten; `reconciliation.faults` has all."""

    topics: tuple[TopicStock, ...]
    groups: tuple[GroupStock, ...]
    reconciliation: Reconciliation
    faults: tuple[NamedFault, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group as the cluster knows it; `name` without prefix, `committed` is next."""

    name: str
    members: int
    committed: Mapping[TopicPartition, int]


def at_work(groups: Iterable[Group]) -> list[Group]:
    """Return the groups without the one of `INDEX_GROUPS` that indexes nothing, or no more."""
    groups = list(groups)
    indexing = [group for group in groups if group.name in INDEX_GROUPS]
    furthest = max(indexing, key=lambda group: sum(group.committed.values()), default=None)
    return [group for group in groups if group not in indexing or group is furthest]


class Counts:
    """Counts records by topic, and by group where the group has not passed them yet."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups = list(groups)
        self.records: Counter[Topic] = Counter()
        self.lag: dict[str, Counter[str]] = {group.name: Counter() for group in self.groups}
        self.dead_letters: Counter[str] = Counter()

    def add(self, topic: Topic, record: Record) -> None:
        """Count one record."""
        self.records[topic] += 1
        position = TopicPartition(record.topic, record.partition)
        for group in self.groups:
            if topic in CONSUMED[group.name] and record.offset >= group.committed.get(position, 0):
                self.lag[group.name][topic.name] += 1
        if topic is topics.DEAD_LETTERS:
            with suppress(KeyError, ValueError):  # not ours; the ledger says so
                self.dead_letters[origin(record).service] += 1

    def is_pending(self, topic: Topic, record: Record) -> bool:
        """Whether the group that has to take a request on from here has not passed the record."""
        position = TopicPartition(record.topic, record.partition)
        worker = WORKED_ON_BY.get(topic)
        return any(
            record.offset >= group.committed.get(position, 0)
            for group in self.groups
            if group.name == worker
        )

    def read_from(self, topic: Topic, position: TopicPartition) -> int:
        """Return the first offset that a group consuming `topic` has not passed."""
        consuming = [group for group in self.groups if topic in CONSUMED[group.name]]
        return min(group.committed.get(position, 0) for group in consuming)


async def take_stock(settings: Settings, window: timedelta) -> Stock:
    """Read the pipeline's state. `window` is ingest's duplicate window.

    It reads all requests and ends that are kept. Raises `UnreachableError`, `TopicsMissingError`.
    """
    async with cluster.admin(settings) as admin:
        groups = [await _group(admin, name, settings) for name in CONSUMED]
    counts = Counts(at_work(groups))
    steps = [topic for topic in topics.ALL if topic is not topics.REQUESTS]
    ways = [topic for topic in steps if topic in READ or topic in WORKED_ON_BY]
    async with cluster.reader(settings, *ways, isolation="read_uncommitted") as uncommitted:
        written = uncommitted.ends
    async with (
        _settled(settings, steps, written) as (after, unsettled),  # ends before those of requests
        cluster.reader(settings, topics.REQUESTS) as before,
    ):
        ends = {settings.topic(topic): topic for topic in ENDS}
        trimmed = [each for each, offset in after.beginnings.items() if offset > 0]
        ledger = Ledger(
            settings,
            window,
            trimmed=[each.partition for each, offset in before.beginnings.items() if offset > 0],
            trimmed_ends=[
                (ends[each.topic], each.partition) for each in trimmed if each.topic in ends
            ],
            unsettled={each.partition for each in unsettled},
        )
        after.start_at(_unread(settings, counts, after, steps))
        for reader in (before, after):
            async for topic, record in reader.to_end():
                counts.add(topic, record)
                if topic is topics.REQUESTS or topic in READ:
                    ledger.add(topic, record)
                if counts.is_pending(topic, record):
                    ledger.add_pending(topic, record)
        offsets: Counter[str] = Counter()
        for reader in (before, after):
            for partition, end in reader.ends.items():
                offsets[partition.topic] += end - reader.beginnings[partition]
    reconciliation = ledger.reconcile()
    return Stock(
        topics=tuple(_topic_stock(topic, settings, counts, offsets) for topic in topics.ALL),
        groups=tuple(
            GroupStock(
                name=f"{settings.topic_prefix}{group.name}",
                members=group.members,
                lag=counts.lag[group.name].total(),
                lag_by_topic=dict(counts.lag[group.name]),
                dead_letters=counts.dead_letters[group.name],
            )
            for group in counts.groups
        ),
        reconciliation=reconciliation,
        faults=await _named(list(islice(reconciliation.faults, _NAMED_AT_MOST)), settings),
    )


@asynccontextmanager
async def _settled(
    settings: Settings, steps: Iterable[Topic], written: Mapping[TopicPartition, int]
) -> AsyncIterator[tuple[Reader, set[TopicPartition]]]:
    """Open a reader that ends after what was written, and say where it does not."""
    async with cluster.reader(settings, *steps) as reader:
        yield reader, await reader.settle(written, _SETTLE_SECONDS)


def _topic_stock(
    topic: Topic, settings: Settings, counts: Counts, offsets: Mapping[str, int]
) -> TopicStock:
    name = settings.topic(topic)
    exact = topic is topics.REQUESTS or topic in READ or offsets[name] == 0
    return TopicStock(name, counts.records[topic] if exact else None, offsets[name])


def _unread(
    settings: Settings, counts: Counts, reader: Reader, steps: Iterable[Topic]
) -> dict[TopicPartition, int]:
    """Return where to start on the topics that are read for the groups' lag alone."""
    by_name = {settings.topic(topic): topic for topic in steps if topic not in READ}
    return {
        partition: max(beginning, counts.read_from(by_name[partition.topic], partition))
        for partition, beginning in reader.beginnings.items()
        if partition.topic in by_name
    }


async def _group(admin: AIOKafkaAdminClient, name: str, settings: Settings) -> Group:
    on_cluster = f"{settings.topic_prefix}{name}"
    try:
        offsets = await admin.list_consumer_group_offsets(on_cluster)
        described = await admin.describe_consumer_groups([on_cluster])
    except GroupCoordinatorNotAvailableError:  # a cluster on which no group has ever been
        return Group(name, 0, {})
    return Group(
        name,
        members=sum(len(group[5]) for response in described for group in response.groups),
        committed={partition: each.offset for partition, each in offsets.items()},
    )


async def _named(faults: list[Fault], settings: Settings) -> tuple[NamedFault, ...]:
    """Find the requests of faults, by reading what names them once more."""
    wanted = {fault.digest for fault in faults if fault.digest is not None}
    names: dict[bytes, RequestName] = {}
    by_name = {settings.topic(topic): topic for topic in topics.ALL}
    if wanted:
        async with cluster.reader(settings, topics.REQUESTS, *READ) as reader:
            async for topic, record in reader.to_end():
                with suppress(UnreadableError, KeyError, ValueError):  # it names no request
                    about = topic
                    if topic is topics.DEAD_LETTERS:
                        about = by_name[origin(record).topic]
                    digest = digest_of(about, record)
                    if digest in wanted and (name := request_of(about, record)) is not None:
                        names[digest] = name
                if names.keys() == wanted:
                    break
    return tuple(_name(fault, names) for fault in faults)


def _name(fault: Fault, names: Mapping[bytes, RequestName]) -> NamedFault:
    name = None if fault.digest is None else names.get(fault.digest)
    if name is None:
        return NamedFault(fault.what, None, None)
    return NamedFault(fault.what, name.source, name.id)
