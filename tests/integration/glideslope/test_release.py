"""`release` on real Kafka: what is registered and routed, by one person at a time, and recorded."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from glideslope import cluster
from glideslope.__main__ import app
from glideslope.releases import change, registry, routes
from glideslope.releases.change import By, MovedError, OvertakenError
from glideslope.stack import settings_environment
from services.ingest.app import build
from services.ingest.settings import IngestSettings
from shared import topics
from shared.cloudevents import Event
from shared.delivery.engine import Engine
from shared.events import Operation, RequestAccepted
from shared.release import BUILT_IN
from shared.settings import Settings
from shared.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

SHIPPED = Path(__file__).parents[3] / "releases"
OTHER = BUILT_IN.model_copy(update={"name": "other"})
B = OTHER.content_hash()
ANN = By("ann", "release.promote", "it is better")


async def records(settings: Settings, topic: Topic) -> list[tuple[int, int, bytes]]:
    async with cluster.reader(settings, topic) as reader:
        return [(r.partition, r.offset, r.value or b"") async for _, r in reader.to_end()]


async def cli(settings: Settings, *arguments: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "160", **settings_environment(settings)})
    return await asyncio.to_thread(runner.invoke, app, ["release", *arguments])


async def told(settings: Settings, *arguments: str) -> Any:
    ended = await cli(settings, *arguments, "--json")
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


async def test_releases_are_registered_once_shown_routed_and_rolled_back_by_name(
    settings: Settings,
) -> None:
    files = [str(SHIPPED / name) for name in ("built-in.yaml", "brief.yaml")]
    first = await told(settings, "create", *files, "--who", "ann", "--why", "to try it")
    assert [each["state"] for each in first] == ["known", "registered"]
    again = await told(settings, "create", *files)
    assert [each["state"] for each in again] == ["known", "known"]
    brief = first[1]["release"]
    assert len(await records(settings, topics.RELEASES)) == 2

    shown = await told(settings, "show", brief[:6])
    assert shown["manifest"]["name"] == "brief"
    fields = (await told(settings, "diff", "built-in", "brief"))["fields"]
    assert fields["generator.sentences"] == {"a": 3, "b": 1}

    why = ("--who", "ann", "--why", "shorter")
    state = await told(settings, "canary", "brief", "--percent", "5", *why)
    assert (state["canary"]["release"], state["canary"]["percent"]) == (brief, 5)
    listed = {each["name"]: each["part"] for each in await told(settings, "list")}
    assert listed == {"built-in": None, "brief": "canary 5 %"}
    await told(settings, "promote", brief[:8], *why)
    refused = await cli(settings, "promote", "brief", *why)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "it is promoted already" in refused.stderr
    unknown = await cli(settings, "promote", "briefer", *why)
    assert "no release is called 'briefer'" in unknown.stderr
    await told(settings, "rollback", *why)
    assert "revision  3, release.rollback by ann" in (await cli(settings, "status")).stdout

    # each change names the record that it made, and both are in one transaction
    made = {(p, o): json.loads(v) for p, o, v in await records(settings, topics.ROUTING)}
    assert [each["promoted"] for each in made.values()] == [None, brief, None]
    operations = [
        (partition, Operation.model_validate_json(value))
        for partition, _, value in await records(settings, topics.OPERATIONS)
    ]
    assert [(each.action, each.operator, each.reason) for _, each in sorted_(operations)] == [
        ("release.create", "ann", "to try it"),
        ("release.canary", "ann", "shorter"),
        ("release.promote", "ann", "shorter"),
        ("release.rollback", "ann", "shorter"),
    ]
    for partition, each in operations:
        if each.topic == topics.ROUTING.name:
            assert made[partition, each.offsets[0].first]["action"] == each.action


def sorted_(operations: list[tuple[int, Operation]]) -> list[tuple[int, Operation]]:
    """Sort by what was done first: registered, then routed in the order of the offsets."""
    return sorted(operations, key=lambda each: (each[1].topic, each[1].offsets[0].first))


async def test_of_two_changes_at_once_each_is_made_on_what_the_other_left_or_is_refused(
    settings: Settings,
) -> None:
    steps = [routes.promote(str(number) * 64) for number in range(4)]
    ended = await asyncio.gather(
        *(change.change(settings, step, ANN) for step in steps), return_exceptions=True
    )
    made = [each for each in ended if not isinstance(each, BaseException)]
    assert all(isinstance(each, OvertakenError) for each in ended if each not in made)
    state = await change.load(settings)
    assert made
    assert state.revision == len(made) == len(await records(settings, topics.OPERATIONS))
    assert len(state.earlier) == len(made)
    with pytest.raises(MovedError, match=r"not at revision 0 any more.*ann did release\.promote"):
        await change.change(settings, routes.promote(B), ANN, seen=0)
    assert await change.load(settings) == state


@asynccontextmanager
async def ingest(settings: Settings) -> AsyncIterator[None]:
    engine, ready = Engine(build(IngestSettings(**settings.model_dump()))), asyncio.Event()
    running = asyncio.create_task(engine.run(ready.set))
    await asyncio.wait_for(ready.wait(), 60)
    yield
    engine.stop()
    await running


async def asked(settings: Settings, *names: str) -> dict[str, str]:
    """Ask, each name in a conversation of its own; return what each is pinned to."""
    wanted = set(names)
    async with (
        cluster.producer(settings) as producer,
        cluster.reader(settings, topics.REQUESTS_ACCEPTED, start="end") as reader,
    ):
        for name in names:
            event = Event(name, topics.REQUESTS.event_type, "/desk", b'{"question": "Why?"}')
            await producer.send_and_wait(
                settings.topic(topics.REQUESTS),
                key=name.encode(),
                value=event.data,
                headers=event.headers(),
            )
        pinned: dict[str, str] = {}
        async with asyncio.timeout(60):
            async for _, record in reader.follow():
                accepted = RequestAccepted.model_validate_json(record.value or b"")
                pinned[accepted.request_id] = accepted.release
                if pinned.keys() >= wanted:
                    return pinned
    raise AssertionError("a reader follows for ever")


async def until_pinned(settings: Settings, release: str, name: str) -> None:
    """Ask until ingest has seen a change: it follows on its own, within moments."""
    async with asyncio.timeout(30):
        number = 0
        while (await asked(settings, f"{name}-{number}"))[f"{name}-{number}"] != release:
            number += 1


async def test_a_running_ingest_follows_and_asks_a_request_that_comes_again_of_no_other_release(
    settings: Settings,
) -> None:
    built_in = BUILT_IN.content_hash()
    await registry.register(OTHER, settings)
    async with ingest(settings):
        assert await asked(settings, "q") == {"q": built_in}
        await change.change(settings, routes.promote(B), ANN)
        await until_pinned(settings, B, "promoted")
        async with (
            cluster.producer(settings) as producer,
            cluster.reader(settings, topics.REQUESTS_DUPLICATED, start="end") as duplicates,
        ):
            event = Event("q", topics.REQUESTS.event_type, "/desk", b'{"question": "Why?"}')
            await producer.send_and_wait(
                settings.topic(topics.REQUESTS), event.data, b"q", headers=event.headers()
            )
            async with asyncio.timeout(60):
                async for _, record in duplicates.follow():
                    assert json.loads(record.value or b"")["request_id"] == "q"
                    break
    async with ingest(settings):  # it knows what is promoted before it takes its first request
        assert await asked(settings, "after") == {"after": B}
        await change.change(settings, routes.roll_back(), ANN)
        await until_pinned(settings, built_in, "rolled-back")
    accepted = await records(settings, topics.REQUESTS_ACCEPTED)
    assert [json.loads(value)["request_id"] for *_, value in accepted].count("q") == 1
