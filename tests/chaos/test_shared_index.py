"""Inference processes that share a server's index: one is frozen in mid-write, and wakes too late.

The server is an emulator (see `tests.qdrant`), the processes are real.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from qdrant_client import QdrantClient

from glideslope import cluster
from glideslope.stack import settings_environment
from services.inference.adapters.group import SHARED_GROUP
from services.inference.adapters.server_store import ServerStore
from services.inference.versions import IndexVersion
from shared import topics
from shared.cloudevents import Event
from shared.events import DocumentAccepted, Passage
from shared.release import BUILT_IN
from shared.settings import Settings
from tests.chaos.conftest import only_full
from tests.chaos.fleet import EVENT_WITHIN, Member
from tests.qdrant import Emulator, serving

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.usefixtures("topics")]

ROUNDS = 4
DOCUMENTS = 60
KEPT = "kept"


async def start(settings: Settings, url: str, name: str) -> Member:
    """Start an inference process on the index at `url`, and wait until it is ready."""
    log = settings.home / f"{name}.log"
    told = {
        **settings_environment(settings),
        "GLIDESLOPE_QDRANT_URL": url,
        "GLIDESLOPE_SESSION_TIMEOUT_SECONDS": "6",
        "PYTHONPATH": str(Path.cwd()),
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.inference.app"),
            stdout=output,
            stderr=output,
            env={**os.environ, **told},
        )
    member = Member(process, log)
    await member.says("ready")
    return member


async def accept(settings: Settings, ids: Sequence[str], *, deleted: bool = False) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        for id_ in ids:
            passage = Passage(id="1", document_id=id_, locator="", text=f"Complaints of {id_}.")
            data = DocumentAccepted(
                document_id=id_,
                tenant="acme",
                passages=() if deleted else (passage,),
                deleted=deleted,
            )
            type_ = topics.DOCUMENTS_ACCEPTED.event_type
            value = data.model_dump_json().encode()
            event = Event(id=id_, type=type_, source="/chaos", data=value)
            await producer.send(
                settings.topic(topics.DOCUMENTS_ACCEPTED),
                value,
                key=id_.encode(),
                headers=[(k, v) for k, v in event.headers() if v is not None],
            )


async def all_indexed(settings: Settings) -> None:
    """Wait until the group has passed all that there is."""
    async with cluster.reader(settings, topics.DOCUMENTS_ACCEPTED, start="end") as reader:
        ends = reader.ends
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        async with asyncio.timeout(EVENT_WITHIN):
            while True:
                at = await admin.list_consumer_group_offsets(
                    f"{settings.topic_prefix}{SHARED_GROUP}"
                )
                if all(each in at and at[each].offset >= end for each, end in ends.items() if end):
                    return
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


def found(settings: Settings, url: str) -> set[str]:
    with ServerStore(
        lambda: QdrantClient(url, check_compatibility=False), f"{settings.topic_prefix}passages"
    ) as store:
        index = store.open(IndexVersion.of(BUILT_IN))
        hits = index.search("complaints", tenant="acme", groups=(), limit=100)
    return {hit.passage.document_id for hit in hits}


@only_full
@pytest.mark.timeout(400)
async def test_what_was_deleted_while_a_process_was_frozen_is_not_brought_back_by_it(
    settings: Settings, chance: random.Random
) -> None:
    members: list[Member] = []
    with serving(Emulator()) as url:
        try:
            members += [await start(settings, url, "one"), await start(settings, url, "two")]
            await accept(settings, [KEPT])
            for number in range(ROUNDS):
                ids = [f"{number}-{n}" for n in range(DOCUMENTS)]
                await accept(settings, ids)
                await asyncio.sleep(chance.uniform(0, 0.5))  # somewhere in the middle of them
                frozen = chance.choice(members)
                frozen.signal(signal.SIGSTOP)
                await frozen.stopped()
                await accept(settings, ids, deleted=True)
                await all_indexed(settings)  # by the other, once the group knows of it
                joined = frozen.times("index_assigned")
                frozen.signal(signal.SIGCONT)
                await frozen.says("index_assigned", joined + 1)
                for _ in range(20):  # what it was writing may come whenever it comes
                    assert await asyncio.to_thread(found, settings, url) == {KEPT}
                    await asyncio.sleep(0.1)
            await asyncio.gather(*(member.drain() for member in members))
        finally:
            for member in members:
                if member.is_running:
                    await member.kill()
