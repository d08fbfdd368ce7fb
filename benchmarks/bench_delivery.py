"""The delivery engine beside FastStream, Quix Streams and a bare relay, in one run.

Every contender does the same hop: 8 partitions, 600-byte JSON events, parse with pydantic, wrap,
write under the same key. Rounds are interleaved and medians reported, because a machine's speed
changes while it works. Ratios are what counts; the last line is one JSON object:

- `vs_quix_eos`, `vs_faststream`, `vs_bare`: throughput of Glideslope over that of Quix Streams
  exactly-once, of FastStream's default loop, and of an aiokafka relay without transactions;
- `latency_p50_vs_bare`, `latency_p99_vs_bare`, `latency_p50_vs_quix`: time through one hop at 100
  events a second, over that of the bare relay and of Quix Streams (commit interval 0.1 s);
- `slow_of_ideal`: for handlers of 250 ms, the ideal time `n x 0.25 s / 32` over the time taken;
- `neighbour_p99_ratio`: p99 at 100 events a second with one 30-second record in every partition,
  over p99 without;
- `rss_ratio`: peak memory after 100,000 queued events over that after 1,000.

What the bare relay does and does not: `acks=all`, each batch written and its offsets committed
before the next is fetched (at least once), aiokafka's defaults and asyncio's own loop in everything
else (Glideslope's services run on uvloop); no idempotence, no transaction. Its reader sees a record
once it is written, Glideslope's once its transaction has ended. The broker is warmed before
anything counts: the first thousands of requests of a young JVM take several times as long, and
whoever came first would pay for them. It gets faster for minutes all the same, so each round begins
with another contender.

`GLIDESLOPE_BENCH_SCALE` (1 by default) scales the number of events and seconds;
`GLIDESLOPE_BENCH_SECTIONS` names which of throughput, latency, slow, memory to run (all).
"""

import json
import os
import platform
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Final, TypeVar

from benchmarks.delivery import contenders, load
from benchmarks.delivery.contenders import Run
from glideslope.kafka import local_kafka

SCALE: Final = float(os.environ.get("GLIDESLOPE_BENCH_SCALE", "1"))
ROUNDS: Final = 3
EVENTS: Final = int(100_000 * SCALE)
SLOW_LOOP_EVENTS: Final = int(20_000 * SCALE)
PACE: Final = 100
WARM_PACE: Final = 300
PACE_SECONDS: Final = max(5.0, 20 * SCALE)
SLOW_EVENTS: Final = int(2_000 * SCALE)
SLOW_SECONDS: Final = 0.25
STUCK_SECONDS: Final = 30.0
WAITERS_STUCK_SECONDS: Final = 3.0  # of those that wait for each: it shows as well with less
SECTIONS: Final = os.environ.get(
    "GLIDESLOPE_BENCH_SECTIONS", "throughput,latency,slow,memory"
).split(",")
CONCURRENCY: Final = 32
_DUE: Final = re.compile(rb'"question":"(\d+\.\d+) ')

Make = Callable[[str], Run]
_Contender = TypeVar("_Contender")


def _quix(servers: str) -> Run:
    return contenders.quix(servers, 0.1)


def _faststream_64(servers: str) -> Run:
    return contenders.faststream(servers, 64)


def throughput(run: Run, events: int) -> float:
    """Return events a second, from the first to the last that the reader sees."""
    load.fill(run.servers, run.source, ["q"] * events)
    with run.started():
        times = [when for when, _ in load.read(run.servers, run.target, events)]
    first = sum(when == times[0] for when in times)
    return (events - first) / (times[-1] - times[0])


def latencies(run: Run, *, stuck_seconds: float = 0.0, pace: int = PACE) -> list[float]:
    """Return the time through the hop, in seconds, of each event of an even load.

    With `stuck_seconds` one record that takes so long goes ahead in each partition.
    """
    stuck = load.PARTITIONS if stuck_seconds else 0
    with run.started():
        load.fill(run.servers, run.source, ["warm "])
        next(load.read(run.servers, run.target, 1))
        load.fill(
            run.servers, run.source, [f"sleep {stuck_seconds} "] * stuck, one_partition_each=stuck
        )
        count = int(pace * PACE_SECONDS)
        pacing = Thread(
            target=load.pace,
            args=(run.servers, run.source),
            kwargs={"a_second": pace, "seconds": PACE_SECONDS},
        )
        pacing.start()
        found = []
        for when, data in load.read(run.servers, run.target, count + 1):
            if due := _DUE.search(data):
                found.append(when - float(due.group(1)))
        pacing.join()
    return found


def slow_of_ideal(run: Run) -> float:
    """Return the ideal time of slow handlers, side by side, over the time taken."""
    load.fill(run.servers, run.source, [f"sleep {SLOW_SECONDS} "] * SLOW_EVENTS)
    with run.started():
        times = [when for when, _ in load.read(run.servers, run.target, SLOW_EVENTS)]
    first = sum(when == times[0] for when in times)
    return ((SLOW_EVENTS - first) * SLOW_SECONDS / CONCURRENCY) / (times[-1] - times[0])


def peak_rss(run: Run, events: int) -> int:
    """Return the most memory that the contender took, in KiB, while `events` were queued."""
    load.fill(run.servers, run.source, ["q"] * events)
    with run.started() as process:
        for _ in load.read(run.servers, run.target, events):
            pass
        status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values stay below."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Figures:
    """What was measured, by contender, a value a round; shown as it comes."""

    def __init__(self) -> None:
        self.round = 0
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> None:
        """Note the value of a round."""
        self._values[name].append(value)
        print(f"{name:34} {value:12,.4g}", flush=True)

    def in_turn(self, contenders: Sequence[_Contender]) -> Sequence[_Contender]:
        """Return the contenders in this round's order: each round begins with another one."""
        first = self.round % len(contenders)
        return [*contenders[first:], *contenders[:first]]

    def median(self, name: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(self._values[name])

    def ratio(self, name: str, contender: str, other: str) -> float:
        """Return the median of one contender over that of another."""
        return self.median(f"{name} {contender}") / self.median(f"{name} {other}")

    def table(self) -> str:
        """Return the medians and the rounds that they come from, as Markdown."""
        rows = [
            f"| {name} | {statistics.median(values):,.4g} | "
            f"{', '.join(f'{value:,.4g}' for value in values)} |"
            for name, values in self._values.items()
        ]
        return "\n".join(["| figure | median | rounds |", "|---|---:|---|", *rows])


def warm(servers: str) -> None:
    """Let the broker's JVM compile what every contender needs; none of it counts."""
    for make in (contenders.glideslope, contenders.bare, _quix):
        throughput(make(servers), EVENTS)
    latencies(contenders.glideslope(servers), pace=WARM_PACE)  # one small transaction an event


def measure_throughput(servers: str, figures: Figures) -> None:
    """Run one round of throughput."""
    hops: tuple[tuple[Make, int], ...] = (
        (contenders.glideslope, EVENTS),
        (_quix, EVENTS),
        (contenders.bare, EVENTS),
        (contenders.faststream, SLOW_LOOP_EVENTS),
        (_faststream_64, SLOW_LOOP_EVENTS),
    )
    for make, events in figures.in_turn(hops):
        run = make(servers)
        figures.add(f"events/s {run.name}", throughput(run, events))


def measure_latency(servers: str, figures: Figures) -> None:
    """Run one round of latency, and of latency beside records that are stuck."""
    makes: tuple[Make, ...] = (contenders.glideslope, contenders.bare, _quix)
    for make in figures.in_turn(makes):
        run = make(servers)
        found = latencies(run)
        for share in (0.5, 0.95, 0.99):
            figures.add(f"p{share * 100:.0f} s {run.name}", percentile(found, share))
    behind = latencies(contenders.glideslope(servers), stuck_seconds=STUCK_SECONDS)
    figures.add("p99 s glideslope, others stuck 30 s", percentile(behind, 0.99))


def measure_waiters(servers: str, figures: Figures) -> None:
    """Show, once, how long others wait behind records that are stuck."""
    for make in (contenders.faststream, _quix):
        run = make(servers)
        behind = latencies(run, stuck_seconds=WAITERS_STUCK_SECONDS)
        figures.add(
            f"p99 s {run.name}, others stuck {WAITERS_STUCK_SECONDS:.0f} s",
            percentile(behind, 0.99),
        )


def measure_slow(servers: str, figures: Figures) -> None:
    """Run one round of slow handlers."""
    figures.add("slow of ideal glideslope", slow_of_ideal(contenders.glideslope(servers)))


def measure_memory(servers: str, figures: Figures) -> None:
    """Run one round of memory."""
    for name, events in (("few", 1_000), ("many", EVENTS)):
        figures.add(f"peak KiB {name}", peak_rss(contenders.glideslope(servers), events))


MEASURES: Final = {
    "throughput": measure_throughput,
    "latency": measure_latency,
    "slow": measure_slow,
    "memory": measure_memory,
}


def ratios(figures: Figures) -> dict[str, float]:
    """Return what the sections that ran come to."""
    found: dict[str, float] = {}
    if "throughput" in SECTIONS:
        found["vs_quix_eos"] = figures.ratio("events/s", "glideslope", "quix")
        found["vs_faststream"] = figures.ratio("events/s", "glideslope", "faststream")
        found["vs_faststream_64_workers"] = figures.ratio(
            "events/s", "glideslope", "faststream_64_workers"
        )
        found["vs_bare"] = figures.ratio("events/s", "glideslope", "bare")
    if "latency" in SECTIONS:
        found["latency_p50_vs_bare"] = figures.ratio("p50 s", "glideslope", "bare")
        found["latency_p99_vs_bare"] = figures.ratio("p99 s", "glideslope", "bare")
        found["latency_p50_vs_quix"] = figures.ratio("p50 s", "glideslope", "quix")
        found["neighbour_p99_ratio"] = figures.ratio(
            "p99 s", "glideslope, others stuck 30 s", "glideslope"
        )
    if "slow" in SECTIONS:
        found["slow_of_ideal"] = figures.median("slow of ideal glideslope")
    if "memory" in SECTIONS:
        found["rss_ratio"] = figures.ratio("peak KiB", "many", "few")
    return found


def measured(servers: str) -> dict[str, float]:
    """Run the sections, round by round; print the table and return the ratios."""
    figures = Figures()
    warm(servers)
    for number in range(ROUNDS):
        figures.round = number
        for section in SECTIONS:
            MEASURES[section](servers, figures)
        if number == 0 and "latency" in SECTIONS:
            measure_waiters(servers, figures)
    versions = ", ".join(f"{name} {version(name)}" for name in ("aiokafka", "faststream"))
    print(
        f"\n{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, {versions}, scale {SCALE:g}\n\n{figures.table()}\n"
    )
    return ratios(figures)


def main() -> None:
    """Run the benchmark on a broker of its own."""
    with tempfile.TemporaryDirectory() as home, local_kafka(Path(home)) as cluster:
        figures = measured(cluster.bootstrap_servers)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
