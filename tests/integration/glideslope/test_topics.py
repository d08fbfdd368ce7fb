"""Topics on real Kafka: created once, verified ever after."""

import asyncio
import json

import pytest
from aiokafka.admin import NewTopic

from glideslope import cluster
from glideslope.terminal import Exit
from glideslope.topics import TopicMismatchError, create_topics
from shared import cloudevents, topics
from shared.events import ReleaseRegistered
from shared.release import BUILT_IN
from shared.settings import Settings
from tests.integration.glideslope.conftest import Run

pytestmark = pytest.mark.kafka


async def releases(settings: Settings) -> list[ReleaseRegistered]:
    async with cluster.reader(settings, topics.RELEASES) as reader:
        return [
            ReleaseRegistered.model_validate_json(cloudevents.read(each.value, each.headers).data)
            async for _, each in reader.to_end()
        ]


async def test_topics_are_created_as_they_should_be_and_found_so_again(settings: Settings) -> None:
    first = await create_topics(settings)
    second = await create_topics(settings)

    assert [state.name for state in first] == [settings.topic(topic) for topic in topics.ALL]
    assert all(state.created and not state.differences for state in first)
    assert all(state.replication_factor == 1 for state in first), "the suite has one broker"
    assert all(state.partitions == settings.partitions for state in first)
    assert not any(state.created or state.differences for state in second)


async def test_the_built_in_release_is_registered_once(settings: Settings) -> None:
    await create_topics(settings)
    await create_topics(settings)

    assert await releases(settings) == [
        ReleaseRegistered(release=BUILT_IN.content_hash(), manifest=BUILT_IN)
    ]


async def test_two_at_once_do_not_disturb_each_other(settings: Settings) -> None:
    one, two = await asyncio.gather(create_topics(settings), create_topics(settings))

    assert [state.name for state in one] == [state.name for state in two]
    created = [a.created + b.created for a, b in zip(one, two, strict=True)]
    assert created == [1] * len(topics.ALL)


async def test_what_is_missing_is_added(settings: Settings) -> None:
    async with cluster.admin(settings) as admin:
        await admin.create_topics([NewTopic(settings.topic(topics.RESULTS), 2, 1)])

    states = {state.name: state for state in await create_topics(settings)}

    found = states.pop(settings.topic(topics.RESULTS))
    assert all(state.created for state in states.values())
    assert not found.created
    # what was found differs from what would have been made, and says so
    assert found.differences["retention.ms"] == ("604800000", str(30 * 24 * 3600 * 1000))


async def test_another_number_of_partitions_stops_everything(settings: Settings) -> None:
    await create_topics(settings)

    with pytest.raises(TopicMismatchError, match="GLIDESLOPE_PARTITIONS=2"):
        await create_topics(settings.model_copy(update={"partitions": 3}))


async def test_the_command_prints_its_topics_for_machines(
    settings: Settings, glideslope: Run
) -> None:
    ended = await glideslope("topics", "create", "--json")

    assert ended.code == Exit.OK, ended.err
    assert {state["name"] for state in json.loads(ended.out)} == {
        settings.topic(topic) for topic in topics.ALL
    }


async def test_what_the_cluster_refuses_is_told_in_one_line(glideslope: Run) -> None:
    ended = await glideslope("topics", "create", GLIDESLOPE_REPLICATION_FACTOR="3")

    assert ended.code == Exit.CLUSTER
    assert "could not be created" in ended.err
    assert "Traceback" not in ended.err
