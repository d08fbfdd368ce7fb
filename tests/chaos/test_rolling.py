"""A rolling update to another build and back, under load: nobody who asks notices.

`make test-rolling` runs it and shows the figures; `GLIDESLOPE_TEST_RATE` is the load, requests a
second, on `GLIDESLOPE_TEST_REPLICAS` processes of each service, and one more of the one that is
being replaced. It is a part of `make chaos`, not of `make test`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Final

import pytest

from glideslope import cluster
from glideslope.load import mix as mixes
from glideslope.load.figures import histogram, percentiles
from glideslope.load.generator import Generator
from glideslope.load.mix import Entry, Mix
from glideslope.load.outcomes import Course
from glideslope.load.pace import Pace
from glideslope.stack import settings_environment
from glideslope.status import Stock, take_stock
from glideslope.topics import create_topics
from services.ingest.settings import IngestSettings
from shared import topics
from shared.settings import Settings
from shared.topics import Topic
from tests.chaos.builds import EDITION, FIELD, next_build
from tests.chaos.conftest import only_full
from tests.postgres import NotInstalledError, postgres
from tests.replicas import Replicas

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.timeout(1800), only_full]

RATE: Final = float(os.environ.get("GLIDESLOPE_TEST_RATE", "50"))
REPLICAS: Final = int(os.environ.get("GLIDESLOPE_TEST_REPLICAS", "2"))
STEADY_SECONDS: Final = 20.0
WARM_UP_SECONDS: Final = 45.0
"""A broker that has just started takes several times the CPU time for a request."""
PATIENCE: Final = 240.0
SERVICES: Final = ("audit", "review", "validator", "inference", "ingest")
"""The order of the update: who reads a new field comes before who writes it."""
WRITTEN_BY: Final[Mapping[str, Topic]] = {
    "ingest": topics.REQUESTS_ACCEPTED,
    "inference": topics.ANSWERS_DRAFTED,
    "validator": topics.ANSWERS_APPROVED,
    "audit": topics.RESULTS,
}
"""Where the build of a service shows: it puts the new field, or none, on what it writes."""


@dataclass(frozen=True)
class Phase:
    """A stretch of the load. `begin` and `end` are seconds from its start, `at` since 1970."""

    name: str
    begin: float
    end: float
    at: tuple[float, float]

    def latencies(self, courses: Sequence[Course]) -> dict[str, float]:
        took = [c.took for c in courses if self.begin <= c.due < self.end and c.end is not None]
        return {"requests": len(took), **percentiles(histogram(took))}


class Phases:
    """Phases as they come to pass."""

    def __init__(self, generator: Generator) -> None:
        self.all: list[Phase] = []
        self._generator = generator

    @asynccontextmanager
    async def phase(self, name: str) -> AsyncIterator[None]:
        begin, at = self._generator.elapsed(), time.time()
        yield
        self.all.append(Phase(name, begin, self._generator.elapsed(), (at, time.time())))

    def of(self, name: str) -> Phase:
        return next(each for each in self.all if each.name == name)


@pytest.fixture
def database() -> Iterator[str]:
    try:
        with postgres("fsync=off") as server:
            yield f"postgresql+asyncpg://{server}/postgres"
    except NotInstalledError as missing:
        pytest.skip(str(missing))


def mixed() -> Mix:
    """The demo's questions, and of every twenty one that goes to a person."""
    built_in = mixes.built_in()
    faulty = Entry(
        json.dumps(
            {
                "question": "What is the notice period of the Sallowby lease?",
                "passages": [{"id": "lease", "text": "The notice period of it is 9 months."}],
                "metadata": {"planted_fault": "wrong_number_always"},
            }
        ).encode(),
        weight=len(built_in.entries) / 20,
    )
    return replace(built_in, entries=[*built_in.entries, faulty])


async def test_services_are_replaced_by_another_build_and_back_and_every_request_ends_once(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"partitions": 4, "session_timeout_seconds": 30.0})
    await create_topics(settings)
    told = {
        "GLIDESLOPE_PLANTED_FAULTS": "true",
        "GLIDESLOPE_REVIEW_DATABASE": database,
        "GLIDESLOPE_LOG_LEVEL": "WARNING",
    }
    other = next_build(tmp_path / "next")
    generator = Generator(Pace(RATE, inf), mixed(), settings)
    phases = Phases(generator)
    async with Replicas(settings, tmp_path / "logs", told) as replicas:
        for service in SERVICES:
            await replicas.scale(service, REPLICAS)
        loading = asyncio.create_task(generator.run(PATIENCE))
        async with phases.phase("warm-up"):
            await asyncio.sleep(WARM_UP_SECONDS)
            await caught_up(generator)
        async with phases.phase("before"):
            await asyncio.sleep(STEADY_SECONDS)
        async with phases.phase("update"):
            for service in SERVICES:
                async with phases.phase(f"update {service}"):
                    await replicas.replace(service, other)
        async with phases.phase("updated"):
            await asyncio.sleep(STEADY_SECONDS / 2)
        async with phases.phase("rollback"):
            for service in reversed(SERVICES):
                async with phases.phase(f"rollback {service}"):
                    await replicas.replace(service, None)
        async with phases.phase("after"):
            await asyncio.sleep(STEADY_SECONDS)
        generator.stop()
        await loading
        stock = await quiet(settings)
    show(generator, phases)

    assert generator.outcomes.missing == []
    assert not generator.outcomes.doubled
    assert not generator.outcomes.undelivered
    counts = generator.outcomes.counts()
    assert counts["dead_letter"] == counts["duplicated"] == 0
    assert counts["reviewed"] > 0
    reconciled = stock.reconciliation
    assert reconciled.adds_up, stock.faults
    assert reconciled.requests == len(generator.outcomes)
    assert reconciled.waiting_for_person == reconciled.in_flight == counts["reviewed"]
    await check_builds(settings, phases)
    await check_log(settings)


async def caught_up(generator: Generator) -> None:
    """Wait until no more is open than what came in the last second."""
    async with asyncio.timeout(PATIENCE):
        while generator.outcomes.open > RATE:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.1)


async def quiet(settings: Settings) -> Stock:
    """Wait until every service has passed every record."""
    window = timedelta(seconds=IngestSettings().duplicate_window_seconds)
    async with asyncio.timeout(PATIENCE):
        while True:
            stock = await take_stock(settings, window)
            if not any(group.lag for group in stock.groups):
                return stock


async def check_builds(settings: Settings, phases: Phases) -> None:
    """Both builds wrote, at once while one replaced the other, and in the end each alone."""
    written: dict[Topic, list[tuple[float, bool]]] = {topic: [] for topic in WRITTEN_BY.values()}
    async with cluster.reader(settings, *written) as reader:
        async for topic, record in reader.to_end():
            edition = json.loads(record.value or b"").get(FIELD)
            written[topic].append((record.timestamp / 1000, edition == EDITION))
    for service, topic in WRITTEN_BY.items():
        for move, new in (("update", True), ("rollback", False)):
            begin, end = phases.of(f"{move} {service}").at
            came = [at for at, is_next in written[topic] if is_next is new and begin <= at <= end]
            left = [at for at, is_next in written[topic] if is_next is not new and at <= end]
            assert min(came) < max(left), f"{move} of {service}: never two builds at once"
        settled, _ = phases.of("updated").at
        begun, _ = phases.of("rollback").at
        assert {n for at, n in written[topic] if settled < at < begun} == {True}, service
        last, _ = phases.of("after").at
        assert {n for at, n in written[topic] if at > last} == {False}, service


async def check_log(settings: Settings) -> None:
    """The audit log, which four processes have written one after the other, is whole."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "glideslope", "audit", "verify"),
        env={**os.environ, **settings_environment(settings)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


def show(generator: Generator, phases: Phases) -> None:
    """Print the figures: a table, and as one JSON object."""
    courses = list(generator.outcomes.measured())
    rows = {each.name: each.latencies(courses) for each in phases.all}
    seconds = {each.name: each.end - each.begin for each in phases.all}
    print(f"\n{RATE:g} requests a second, {REPLICAS} of each service, {os.cpu_count()} cores")
    print(
        "| phase | seconds | requests | p50 ms | p99 ms | max ms |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, row in rows.items():
        ms = " | ".join(f"{row.get(key, 0):,.0f}" for key in ("p50", "p99", "max"))
        print(f"| {name} | {seconds[name]:.0f} | {row['requests']:,.0f} | {ms} |")
    lag = percentiles(histogram(course.lag for course in courses))
    print(
        json.dumps(
            {
                "rate": RATE,
                "sent": len(generator.outcomes),
                "missing": len(generator.outcomes.missing),
                "doubled": generator.outcomes.doubled.total(),
                "ends": generator.outcomes.counts(),
                "generator_lag_p99_ms": lag["p99"],
                **{f"p99_{name}_ms": row.get("p99") for name, row in rows.items()},
            }
        )
    )
