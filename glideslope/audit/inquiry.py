"""The cluster is asked what lies where logs have no entry, partition by partition."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError

from glideslope import batches, cluster
from glideslope.audit.gaps import (
    Explanation,
    Range,
    explain,
    is_of_keys,
    of_key_events,
    unreachable,
)
from glideslope.audit.sources import Seen, Stream
from glideslope.audit.verification import Report
from glideslope.batches import Batch, Broker
from shared.settings import Settings

Passed = Mapping[TopicPartition, int]
"""The offset up to which audit's consumer group has passed a partition."""

_POLICY = "cleanup.policy"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a partition: what the log has of it, and how far it must go."""

    stream: Stream
    seen: Seen | None
    passed: int


@dataclass(frozen=True, slots=True)
class Explained:
    """One log's partitions with offsets that have no entry."""

    origin: str
    streams: tuple[tuple[Stream, Seen | None, Explanation], ...]

    def count(self, kind: str) -> int:
        """Return how many offsets were of a kind, as `Explanation` names it."""
        return sum(getattr(said, kind) for _, _, said in self.streams)


async def passed(settings: Settings) -> Passed:
    """Return how far audit's consumer group is. Ask before the logs are read, which go on.

    Raises `UnreachableError`.
    """
    async with cluster.admin(settings) as admin:
        try:
            offsets = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}audit")
        except GroupCoordinatorNotAvailableError:  # a cluster on which no group has ever been
            return {}
    return {partition: each.offset for partition, each in offsets.items()}


async def inquire(
    reports: Sequence[Report],
    group: Passed,
    settings: Settings,
    progress: Callable[[int, int], None],
) -> list[Explained]:
    """Ask the cluster about each log's partitions; `progress` hears how many of how many are done.

    What `group` has passed must be in the logs: leave it empty for a copy of them. Raises
    `UnreachableError`, aiokafka's `KafkaError`.
    """
    async with cluster.admin(settings) as admin, batches.broker(settings) as broker:
        asked = _Cluster(
            str((await admin.describe_cluster())["cluster_id"]),
            {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()},
            admin,
            broker,
        )
        logs = _known(reports, group, asked.id, settings.deployment)
        count, done = sum(len(each) for each in logs.values()), 0
        explained = []
        for origin, known in logs.items():
            streams = []
            for each in known:
                said = await asked.explain(each)
                if said.without_entry:
                    streams.append((each.stream, each.seen, said))
                done += 1
                progress(done, count)
            explained.append(Explained(origin, tuple(streams)))
        return explained


class _Cluster:
    """The cluster that is asked."""

    def __init__(
        self, id_: str, topics: Mapping[str, int], admin: AIOKafkaAdminClient, broker: Broker
    ) -> None:
        self.id = id_
        self._topics = topics
        self._admin = admin
        self._broker = broker
        self._compacted: dict[str, bool] = {}

    async def explain(self, known: Known) -> Explanation:
        """Say what lies at the offsets of a partition without an entry."""
        stream, seen = known.stream, known.seen
        if seen is not None and is_of_keys(stream):
            return of_key_events(seen)
        if seen is not None and stream.cluster != self.id:
            return unreachable(seen, f"they are of another cluster, {stream.cluster}: ask that one")
        if seen is not None and stream.partition >= self._topics.get(stream.topic, 0):
            return unreachable(seen, "the topic has been deleted")
        partition = TopicPartition(stream.topic, stream.partition)
        return await explain(seen, known.passed, _OnBroker(self, self._broker, partition))

    async def is_compacted(self, topic: str) -> bool:
        """Say whether compaction removes from a topic."""
        if topic not in self._compacted:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={_POLICY: ""})
            [response] = await self._admin.describe_configs([resource])
            [(_code, _message, _kind, _name, entries)] = response.resources
            policies = {entry[0]: entry[1] for entry in entries}[_POLICY]
            self._compacted[topic] = "compact" in policies.split(",")
        return self._compacted[topic]


class _OnBroker:
    """A `Partition` of the cluster."""

    def __init__(self, cluster_: _Cluster, broker: Broker, partition: TopicPartition) -> None:
        self._cluster = cluster_
        self._broker = broker
        self._partition = partition

    async def bounds(self) -> Range:
        return await self._broker.bounds(self._partition)

    async def fetch(self, offset: int) -> Sequence[Batch]:
        return await self._broker.fetch(self._partition, offset)

    async def is_compacted(self) -> bool:
        return await self._cluster.is_compacted(self._partition.topic)


def _known(
    reports: Sequence[Report], group: Passed, cluster_id: str, deployment: str
) -> dict[str, list[Known]]:
    """Return the partitions of each log, also of one that should be there and is not."""
    numbers = sorted({each.partition for each, offset in group.items() if offset > 0})
    logs: dict[str, Mapping[Stream, Seen]] = {
        report.origin: report.streams for report in reports if report.origin is not None
    }
    for number in numbers:
        logs.setdefault(f"{deployment}/{number}", {})
    known: dict[str, list[Known]] = {}
    for origin, streams in logs.items():
        due = {
            Stream(cluster_id, partition.topic, partition.partition): offset
            for partition, offset in group.items()
            if origin == f"{deployment}/{partition.partition}"
        }
        known[origin] = [
            Known(stream, streams.get(stream), due.get(stream, 0))
            for stream in dict.fromkeys((*streams, *due))
        ]
    return known
