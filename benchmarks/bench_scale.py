"""What each service takes for a request, and what more processes of it do: 1, 2, 4 and back.

Kafka, the services and the generator share this machine. So throughput cannot grow with the number
of processes once its cores are busy, and what carries over to other machines is CPU time a request.
Under a steady load, one service after another is scaled to the next number of processes; then a
backlog is sent at once, and worked off. The last line is one JSON object:

- `cpu_ms_per_request`: CPU time a request, of each service (all of its processes), the broker and
  the generator, in the backlog phases with one process of each; `requests_per_core_second` is what
  one core of that service does, and `saturates_first` which service has the fewest;
- `throughput`: requests a second of the backlog, by number of processes: `1`, `2`, `4`, `2 again`,
  `1 again`;
- `cores_busy`: CPU seconds a second of everything together in that time: near the machine's number
  of cores it is the machine that is measured;
- `longest_pause_s`: of each service, the longest time without any end while it was scaled under the
  steady load, over all moves; `usual_pause_s` the longest one while nothing moved;
- `kafka_kib_per_request`, `audit_kib_per_request`: what a request leaves in the topics (one copy)
  and in the audit log; `resident_mib` the memory of one process of each service at the end;
- `lost`, `doubled`: of all requests.

`GLIDESLOPE_BENCH_RATE` (20 by default) is the steady load, requests a second;
`GLIDESLOPE_BENCH_SCALE` (1 by default) scales the seconds and the backlog.
"""

import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final

from glideslope.kafka import local_kafka
from glideslope.load import mix as mixes
from glideslope.load.figures import histogram, machine, percentiles
from glideslope.load.generator import Generator
from glideslope.load.outcomes import Course
from glideslope.load.pace import Pace
from glideslope.topics import create_topics
from shared.settings import Settings
from tests.replicas import Replicas, cpu_seconds

SCALE: Final = float(os.environ.get("GLIDESLOPE_BENCH_SCALE", "1"))
RATE: Final = float(os.environ.get("GLIDESLOPE_BENCH_RATE", "20"))
SERVICES: Final = ("ingest", "inference", "validator", "audit")
"""Those that every request passes. `review` has a benchmark of its own: people are its limit."""
STEPS: Final = (1, 2, 4, 2, 1)
PARTITIONS: Final = 4
STEADY_SECONDS: Final = max(3.0, 12 * SCALE)
SETTLE_SECONDS: Final = 2.0
BACKLOG: Final = max(50, int(600 * SCALE))
WARM_UP: Final = max(50, int(300 * SCALE))
AT_ONCE: Final = 2_000.0  # a second: a backlog is there before it is worked off
PATIENCE: Final = 120.0


@dataclass
class Move:
    """One service was scaled to another number of processes, under the steady load."""

    service: str
    to: int
    seconds: float
    pause: float
    slowest_ms: float


@dataclass
class Step:
    """What was measured with so many processes of each service."""

    name: str
    steady_ms: Mapping[str, float]
    usual_pause: float
    throughput: float = 0.0
    cpu: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each part while the backlog was worked off."""
    seconds: float = 0.0

    @property
    def cores_busy(self) -> float:
        """CPU seconds a second, of everything together."""
        return sum(self.cpu.values()) / self.seconds


class Bench:
    """One run on one broker."""

    def __init__(self, settings: Settings, broker_pid: int, replicas: Replicas) -> None:
        self.moves: list[Move] = []
        self.steps: list[Step] = []
        self.sent = 0
        self.lost = 0
        self.doubled = 0
        self.resident: Mapping[str, float] = {}
        self._settings = settings
        self._broker_pid = broker_pid
        self._replicas = replicas

    async def run(self) -> None:
        """Go through the steps."""
        for service in SERVICES:
            await self._replicas.scale(service, STEPS[0])
        await self._backlog(WARM_UP)
        seen: set[int] = set()
        for number in STEPS:
            step = await self._move(number, f"{number} again" if number in seen else f"{number}")
            seen.add(number)
            step.seconds, step.cpu = await self._backlog(BACKLOG)
            step.throughput = BACKLOG / step.seconds
            self.steps.append(step)
            print(f"{step.name}: {step.throughput:.1f}/s, {step.cores_busy:.2f} cores", flush=True)
        self.resident = {
            service: self._replicas.of(service)[0].resident_mib for service in SERVICES
        }

    async def _move(self, number: int, name: str) -> Step:
        """Scale every service, one after the other, under a steady load; then let it be."""
        generator = Generator(Pace(RATE, inf), mixes.built_in(), self._settings)
        loading = asyncio.create_task(generator.run(PATIENCE))
        await asyncio.sleep(SETTLE_SECONDS)
        spans: list[tuple[str, float, float]] = []
        for service in SERVICES:
            if len(self._replicas.of(service)) != number:
                begun = generator.elapsed()
                await self._replicas.scale(service, number)
                await asyncio.sleep(SETTLE_SECONDS)
                spans.append((service, begun, generator.elapsed()))
        begun = generator.elapsed()
        await asyncio.sleep(STEADY_SECONDS)
        ended = generator.elapsed()
        generator.stop()
        await loading
        self._account(generator)
        courses = list(generator.outcomes.measured())
        for service, first, last in spans:
            took = [c.took * 1000 for c in courses if first <= c.due < last]
            pause = longest_pause(courses, first, last)
            self.moves.append(Move(service, number, last - first, pause, max(took, default=0.0)))
        steady = [course.took for course in courses if begun <= course.due < ended]
        return Step(name, percentiles(histogram(steady)), longest_pause(courses, begun, ended))

    async def _backlog(self, count: int) -> tuple[float, Mapping[str, float]]:
        """Send requests at once; return the seconds until the last end, and the CPU time."""
        generator = Generator(Pace(AT_ONCE, count / AT_ONCE), mixes.built_in(), self._settings)
        before = self._cpu()
        await generator.run(PATIENCE)
        after = self._cpu()
        self._account(generator)
        last = max(course.ended for course in generator.outcomes.measured())
        return last, {part: after[part] - before[part] for part in after}

    def _cpu(self) -> dict[str, float]:
        services = {
            service: sum(each.cpu_seconds for each in self._replicas.of(service))
            for service in SERVICES
        }
        return {
            **services,
            "broker": cpu_seconds(self._broker_pid),
            "generator": cpu_seconds(os.getpid()),
        }

    def _account(self, generator: Generator) -> None:
        self.sent += len(generator.outcomes)
        self.lost += len(generator.outcomes.missing)
        self.doubled += generator.outcomes.doubled.total()


def longest_pause(courses: list[Course], begin: float, end: float) -> float:
    """Return the longest time without any end in a stretch of the load, seconds."""
    ends = sorted(c.ended for c in courses if c.end is not None and begin <= c.ended < end)
    marks = [begin, *ends, end]
    return max(later - earlier for earlier, later in pairwise(marks))


def kib_written(folder: Path, pattern: str) -> float:
    """Return the KiB of files in a folder, but for those of Kafka's own topics."""
    files = (each for each in folder.rglob(pattern) if each.is_file())
    return sum(each.stat().st_size for each in files if each.parent.name[:2] != "__") / 1024


def figures(bench: Bench, kafka_kib: float, audit_kib: float) -> dict[str, object]:
    """Return what the run comes to."""
    first = bench.steps[0]
    each = {part: seconds / BACKLOG * 1000 for part, seconds in first.cpu.items()}
    of_core = {service: 1000 / each[service] for service in SERVICES}
    return {
        "cpu_ms_per_request": {part: round(value, 2) for part, value in each.items()},
        "requests_per_core_second": {name: round(value, 1) for name, value in of_core.items()},
        "saturates_first": min(of_core, key=lambda service: of_core[service]),
        "throughput": {step.name: round(step.throughput, 1) for step in bench.steps},
        "cores_busy": {step.name: round(step.cores_busy, 2) for step in bench.steps},
        "longest_pause_s": {
            service: round(max(m.pause for m in bench.moves if m.service == service), 2)
            for service in SERVICES
        },
        "usual_pause_s": round(statistics.median(s.usual_pause for s in bench.steps), 2),
        "kafka_kib_per_request": round(kafka_kib / bench.sent, 1),
        "audit_kib_per_request": round(audit_kib / bench.sent, 1),
        "resident_mib": {name: round(mib) for name, mib in bench.resident.items()},
        "lost": bench.lost,
        "doubled": bench.doubled,
    }


def tables(bench: Bench) -> Iterator[str]:
    """Yield the lines of the tables, as Markdown."""
    parts = [*SERVICES, "broker", "generator"]
    yield f"| processes of each | requests/s | cores busy | {' | '.join(parts)} | p50 ms | p99 ms |"
    yield "|---|---:|---:|" + "---:|" * (len(parts) + 2)
    for step in bench.steps:
        cpu = " | ".join(f"{step.cpu[part] / BACKLOG * 1000:.2f}" for part in parts)
        steady = " | ".join(f"{step.steady_ms[name]:.0f}" for name in ("p50", "p99"))
        yield f"| {step.name} | {step.throughput:.1f} | {step.cores_busy:.2f} | {cpu} | {steady} |"
    yield ""
    yield "| service | to | took s | longest time without an end, s | slowest request ms |"
    yield "|---|---:|---:|---:|---:|"
    for move in bench.moves:
        yield (
            f"| {move.service} | {move.to} | {move.seconds:.1f} | {move.pause:.2f} "
            f"| {move.slowest_ms:,.0f} |"
        )


async def measured(settings: Settings, broker_pid: int) -> Bench:
    """Run everything."""
    await create_topics(settings)
    quiet = {"GLIDESLOPE_LOG_LEVEL": "WARNING"}
    async with Replicas(settings, settings.home / "logs", quiet) as replicas:
        bench = Bench(settings, broker_pid, replicas)
        await bench.run()
    return bench


def main() -> None:
    """Run the benchmark; its last line is one JSON object."""
    print(
        f"{time.strftime('%Y-%m-%d')}, {machine()}; steady load {RATE:g}/s, backlog {BACKLOG}",
        flush=True,
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # leaders of new topics are awaited
    with tempfile.TemporaryDirectory() as home, local_kafka(Path(home)) as cluster:
        settings = Settings(
            bootstrap_servers=cluster.bootstrap_servers,
            home=Path(home) / "state",
            partitions=PARTITIONS,
        )
        pid = cluster.started.pid if cluster.started else None
        bench = asyncio.run(measured(settings, pid or 0))
        in_topics = kib_written(Path(home) / "kafka", "0*.log")
        in_audit = kib_written(settings.home / "audit", "*")
    print("\n".join(tables(bench)))
    print(json.dumps(figures(bench, in_topics, in_audit)))
    if bench.lost or bench.doubled:
        sys.exit(1)


if __name__ == "__main__":
    main()
