from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from shared import events, topics
from shared.delivery import FatalError, Service, event_broker
from shared.delivery.engine import Engine
from shared.settings import Settings

SETTINGS = Settings(topic_prefix="t.")
OF_THE_SERVICE = ("requests", "requests.rejected", "ingest.retry", "dead.letters")
ALIKE = dict.fromkeys(OF_THE_SERVICE, 4)


class Admin:
    """Describes topics by their numbers of partitions, or the codes of errors where below 0."""

    def __init__(self, found: Mapping[str, int]) -> None:
        self._found = found

    async def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [self._described(name) for name in names]

    def _described(self, name: str) -> dict[str, Any]:
        number = self._found[name.removeprefix("t.")]
        partitions = range(max(0, number))
        return {"topic": name, "error_code": max(0, -number), "partitions": partitions}


async def checked(found: Mapping[str, int]) -> None:
    """Let a service look at the topics that it is to read and to write."""
    broker = event_broker(SETTINGS)
    rejected = broker.publisher(SETTINGS.topic(topics.REQUESTS_REJECTED))

    @broker.subscriber(SETTINGS.topic(topics.REQUESTS))
    async def reject(data: events.RequestSubmitted) -> None:
        await rejected.publish(data)

    engine = Engine(Service("ingest", broker, SETTINGS))
    await engine._handlers.prepare()
    await engine._check_topics(Admin(found))


async def test_a_service_starts_on_topics_that_are_alike() -> None:
    await checked(ALIKE)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"requests.rejected": 5},
            r"differ in their number of partitions: .*'t.requests.rejected': 5.*recreate",
        ),
        (
            {"dead.letters": -UnknownTopicOrPartitionError.errno},
            "missing: t.dead.letters; run `glideslope topics create`",
        ),
        (
            {"ingest.retry": -TopicAuthorizationFailedError.errno},
            r"may not see: t\.ingest\.retry; .*`glideslope access kafka`",
        ),
    ],
)
async def test_a_service_does_not_start_on_topics_where_records_would_go_astray(
    found: Mapping[str, int], said: str
) -> None:
    with pytest.raises(FatalError, match=said):
        await checked({**ALIKE, **found})
