"""The pipeline's topics on a cluster: created explicitly, never by accident, and verified."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaTimeoutError, TopicAlreadyExistsError, for_code

from glideslope import cluster
from glideslope.cluster import ClusterError
from glideslope.releases.registry import register
from shared import topics
from shared.release import BUILT_IN
from shared.settings import Settings
from shared.topics import Topic

_LEADERS_WITHIN: Final = timedelta(seconds=30)
_ENOUGH_REPLICAS_TO_LOSE_ONE: Final = 3
"""A write needs two of them; it is what a cluster that can gets."""
_COMPACTED_WITHIN: Final = timedelta(days=1)
"""What was replaced or deleted, on a compacted topic, is gone by then."""
_NEVER_MS: Final = 2**63 - 1  # Kafka's own default
_MUST_MATCH: Final = frozenset({"cleanup.policy"})


class TopicMismatchError(ClusterError):
    """A topic exists and is cut so differently that the pipeline would go wrong on it."""


class LeaderlessError(ClusterError):
    """Partitions still have no leader after a fair wait."""

    def __init__(self, partitions: Sequence[str]) -> None:
        super().__init__(
            f"no leader for {', '.join(partitions)} after {_LEADERS_WITHIN.total_seconds():.0f} s: "
            "see that enough brokers run, then repeat the command"
        )


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as the command left it.

    `differences` maps a setting to (what it is, what this installation would have set), for an
    existing topic whose operator chose otherwise; such a choice is reported and left alone.
    """

    name: str
    created: bool
    partitions: int
    replication_factor: int
    differences: Mapping[str, tuple[str, str]]


async def create_topics(settings: Settings) -> list[TopicState]:
    """Create what is missing of the pipeline's topics, verify the rest, register the release.

    Returns when every partition has a leader that answers. Running it again changes nothing.
    Raises `UnreachableError`, `TopicMismatchError`, `LeaderlessError`.
    """
    async with cluster.admin(settings) as admin:
        brokers = (await admin.describe_cluster())["brokers"]
        replicas = replication_factor(settings, brokers=len(brokers))
        existing = {each["topic"] for each in await admin.describe_topics()}
        missing = [topic for topic in topics.ALL if settings.topic(topic) not in existing]
        created = await _create(admin, missing, settings, replicas)
        described = await _led(admin, [settings.topic(topic) for topic in topics.ALL])
        configured = await _configurations(admin, described)
    states = [
        verify(
            topic, described[name], configured[name], settings, replicas, created=name in created
        )
        for topic, name in ((topic, settings.topic(topic)) for topic in topics.ALL)
    ]
    await _answered(settings)
    await register(BUILT_IN, settings)
    return states


def replication_factor(settings: Settings, *, brokers: int) -> int:
    """Return how many copies of each partition a topic gets that is created on so many brokers."""
    return settings.replication_factor or min(_ENOUGH_REPLICAS_TO_LOSE_ONE, brokers)


def configuration(topic: Topic, replicas: int) -> dict[str, str]:
    """Return the topic's configuration as Kafka names it.

    Time is the broker's: retention must not depend on the clock that a sender writes into its
    records. With three copies a write needs two, so that one broker can be lost. Without a bound, a
    deleted document could stay on its topic for as long as nothing much is written.
    """
    retention = topic.retention
    compacted = topic.cleanup == "compact"
    lag = _COMPACTED_WITHIN // timedelta(milliseconds=1) if compacted else _NEVER_MS
    return {
        "cleanup.policy": topic.cleanup,
        "max.compaction.lag.ms": str(lag),
        "retention.ms": "-1" if retention is None else str(retention // timedelta(milliseconds=1)),
        "max.message.bytes": str(topic.max_bytes),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2" if replicas >= _ENOUGH_REPLICAS_TO_LOSE_ONE else "1",
    }


def verify(  # noqa: PLR0913 - what is compared, and with what
    topic: Topic,
    described: Mapping[str, Any],
    configured: Mapping[str, str],
    settings: Settings,
    replicas: int,
    *,
    created: bool = False,
) -> TopicState:
    """Compare a topic with what it should be. `described` and `configured` as Kafka says.

    `replicas` is the number of copies that it would be created with.

    Raises `TopicMismatchError` on another number of partitions or another cleanup policy; every
    other difference is in the returned state.
    """
    name = settings.topic(topic)
    partitions = len(described["partitions"])
    copies = min(len(each["replicas"]) for each in described["partitions"])
    if partitions != settings.partitions:
        raise TopicMismatchError(
            f"topic {name} has {partitions} partitions, the settings say {settings.partitions}: "
            f"set GLIDESLOPE_PARTITIONS={partitions}, or take a new GLIDESLOPE_TOPIC_PREFIX. "
            "All topics must have the same number, and adding partitions to a topic in use would "
            "tear conversations apart"
        )
    wanted = configuration(topic, replicas)
    differences = {
        setting: (configured[setting], value)
        for setting, value in wanted.items()
        if configured[setting] != value
    }
    if wrong := _MUST_MATCH & differences.keys():
        said = "; ".join(f"{key} is {differences[key][0]}, not {wanted[key]}" for key in wrong)
        raise TopicMismatchError(
            f"topic {name}: {said}. Change it with kafka-configs.sh --alter --topic {name} "
            + " ".join(f"--add-config {key}={wanted[key]}" for key in wrong)
        )
    if copies != replicas:
        differences["replication.factor"] = (str(copies), str(replicas))
    return TopicState(name, created, partitions, copies, differences)


async def _create(
    admin: AIOKafkaAdminClient, missing: Iterable[Topic], settings: Settings, replicas: int
) -> set[str]:
    new = [
        NewTopic(
            settings.topic(topic),
            settings.partitions,
            replicas,
            topic_configs=configuration(topic, replicas),
        )
        for topic in missing
    ]
    if not new:
        return set()
    response = await admin.create_topics(new)
    created = set()
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if code == 0:
            created.add(name)
        elif error is not TopicAlreadyExistsError:  # someone was faster: verified like any other
            raise ClusterError(f"topic {name} could not be created: {message or error.__name__}")
    return created


async def _led(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the topics' descriptions once each of their partitions has a leader."""
    leaderless: list[str] = list(names)
    try:
        async with asyncio.timeout(_LEADERS_WITHIN.total_seconds()):
            while True:
                described = {each["topic"]: each for each in await admin.describe_topics()}
                leaderless = [name for name in names if not _has_leaders(described.get(name))]
                if not leaderless:
                    return {name: described[name] for name in names}
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise LeaderlessError(leaderless) from error


async def _answered(settings: Settings) -> None:
    """Return when every leader has answered: after its election it does not know of it at once.

    Raises `LeaderlessError`.
    """
    give_up = time.monotonic() + _LEADERS_WITHIN.total_seconds()
    while True:
        try:
            async with cluster.reader(settings, *topics.ALL):
                return
        except KafkaTimeoutError as error:  # a busy broker is slow to take over so many
            if time.monotonic() > give_up:
                raise LeaderlessError([settings.topic(topic) for topic in topics.ALL]) from error


def _has_leaders(described: Mapping[str, Any] | None) -> bool:
    partitions = described["partitions"] if described else []
    return bool(partitions) and all(
        each["error_code"] == 0 and each["leader"] >= 0 for each in partitions
    )


async def _configurations(
    admin: AIOKafkaAdminClient, names: Iterable[str]
) -> dict[str, dict[str, str]]:
    keys = dict.fromkeys(configuration(topics.REQUESTS, 1))
    responses = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, configs=keys) for name in names]
    )
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _code, _message, _kind, name, entries in response.resources
    }
