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

`GLIDESLOPE_BENCH_SCALE` (1 by default) scales the number of events and seconds.
"""

import json
import os
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Final

from benchmarks.delivery import contenders, load
from benchmarks.delivery.contenders import Run
from glideslope.kafka import local_kafka

SCALE: Final = float(os.environ.get("GLIDESLOPE_BENCH_SCALE", "1"))
ROUNDS: Final = 3
EVENTS: Final = int(100_000 * SCALE)
SLOW_LOOP_EVENTS: Final = int(20_000 * SCALE)
PACE: Final = 100
PACE_SECONDS: Final = max(5.0, 20 * SCALE)
SLOW_EVENTS: Final = int(2_000 * SCALE)
SLOW_SECONDS: Final = 0.25
CONCURRENCY: Final = 32
_DUE: Final = re.compile(rb'"question":"(\d+\.\d+) ')

Make = Callable[[str], Run]


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


def latencies(run: Run, *, slow: int = 0) -> list[float]:
    """Return the time through the hop, in seconds, of each event of an even load.

    `slow` records of 30 seconds go ahead, one to a partition.
    """
    with run.started():
        load.fill(run.servers, run.source, ["warm "])
        next(load.read(run.servers, run.target, 1))
        load.fill(run.servers, run.source, ["sleep 30 "] * slow, one_partition_each=slow)
        count = int(PACE * PACE_SECONDS)
        pacing = Thread(
            target=load.pace,
            args=(run.servers, run.source),
            kwargs={"a_second": PACE, "seconds": PACE_SECONDS},
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


def measured(servers: str) -> dict[str, float]:
    """Run everything; return the figures."""
    speed: dict[str, list[float]] = defaultdict(list)
    p50: dict[str, list[float]] = defaultdict(list)
    p99: dict[str, list[float]] = defaultdict(list)
    neighbours: list[float] = []
    slow: list[float] = []
    for _ in range(ROUNDS):
        hops: tuple[tuple[Make, int], ...] = (
            (contenders.glideslope, EVENTS),
            (_quix, EVENTS),
            (contenders.bare, EVENTS),
            (contenders.faststream, SLOW_LOOP_EVENTS),
            (_faststream_64, SLOW_LOOP_EVENTS),
        )
        for make, events in hops:
            run = make(servers)
            speed[run.name].append(throughput(run, events))
        for make in (contenders.glideslope, contenders.bare, _quix):
            run = make(servers)
            found = latencies(run)
            p50[run.name].append(percentile(found, 0.50))
            p99[run.name].append(percentile(found, 0.99))
        behind = latencies(contenders.glideslope(servers), slow=load.PARTITIONS)
        neighbours.append(percentile(behind, 0.99) / p99["glideslope"][-1])
        slow.append(slow_of_ideal(contenders.glideslope(servers)))
    few, many = [peak_rss(contenders.glideslope(servers), n) for n in (1_000, EVENTS)]
    show(speed, p50, p99)
    median = {name: statistics.median(values) for name, values in speed.items()}
    typical = {name: statistics.median(values) for name, values in p50.items()}
    tail = {name: statistics.median(values) for name, values in p99.items()}
    return {
        "vs_quix_eos": median["glideslope"] / median["quix"],
        "vs_faststream": median["glideslope"] / median["faststream"],
        "vs_faststream_64_workers": median["glideslope"] / median["faststream_64_workers"],
        "vs_bare": median["glideslope"] / median["bare"],
        "latency_p50_vs_bare": typical["glideslope"] / typical["bare"],
        "latency_p99_vs_bare": tail["glideslope"] / tail["bare"],
        "latency_p50_vs_quix": typical["glideslope"] / typical["quix"],
        "slow_of_ideal": statistics.median(slow),
        "neighbour_p99_ratio": statistics.median(neighbours),
        "rss_ratio": many / few,
    }


def show(
    speed: dict[str, list[float]], p50: dict[str, list[float]], p99: dict[str, list[float]]
) -> None:
    """Print what was measured, round by round."""
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, rates in speed.items():
        print(f"{name:24} events/s {'  '.join(f'{rate:8,.0f}' for rate in rates)}")
    for name, medians in p50.items():
        pairs = zip(medians, p99[name], strict=True)
        shown = "  ".join(f"{a * 1000:6.1f}/{b * 1000:6.1f}" for a, b in pairs)
        print(f"{name:24} p50/p99 ms {shown}")


def main() -> None:
    """Run the benchmark on a broker of its own."""
    with tempfile.TemporaryDirectory() as home, local_kafka(Path(home)) as cluster:
        figures = measured(cluster.bootstrap_servers)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
