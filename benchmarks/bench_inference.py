"""The inference service over an emulated model: throughput, and what it adds to the model's time.

The model takes 0.5 s on average, log-normally (sigma 0.5), and streams; 32 requests are handled
at once, each with six passages of 600 characters. The last line is one JSON object:

- `of_ideal`: requests a second, with all queued, over `concurrency / mean latency`;
- `overhead_p50_ms`, `overhead_p95_ms`, `overhead_p99_ms`: our own time: what drafting takes beyond
  the model's (retrieval, prompt, limits, breaker, reading the reply), less the same for sending the
  same prompts directly, from the same process with the same concurrency;
- `with_kafka_p50_ms`, `with_kafka_p95_ms`, `with_kafka_p99_ms`: the same from the publication of a
  request to its draft as a `read_committed` reader sees it, Kafka's share both ways included;
- `cpu_ms_per_request`: CPU time of the service's process for each request, Kafka's client included;
- `direct_p50_ms`: what sending directly takes beyond the model's time, for comparison.

`GLIDESLOPE_BENCH_SCALE` (1 by default) scales the number of requests.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.bench_delivery import percentile
from benchmarks.inference import load, own
from glideslope.emulator.release import EMULATED, environment
from glideslope.kafka import local_kafka
from glideslope.releases.registry import register
from glideslope.stack import settings_environment
from glideslope.topics import create_topics
from shared.settings import Settings

SCALE: Final = float(os.environ.get("GLIDESLOPE_BENCH_SCALE", "1"))
REQUESTS: Final = int(5_000 * SCALE)
COMPARED: Final = int(2_500 * SCALE)
CONCURRENCY: Final = 32
WARM_UP: Final = 64
_TICK: Final = os.sysconf("SC_CLK_TCK")


@contextmanager
def emulator() -> Iterator[str]:
    """Run the emulator in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.inference.emulator"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def inference(settings: Settings, url: str) -> Iterator[int]:
    """Run the service in a process of its own; yields its process id."""
    told = {
        **os.environ,
        **settings_environment(settings),
        **environment(url),
        "GLIDESLOPE_MAX_IN_FLIGHT": str(CONCURRENCY),
        "GLIDESLOPE_LOG_LEVEL": "WARNING",
    }
    with subprocess.Popen([sys.executable, "-m", "services.inference.app"], env=told) as process:
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has taken, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def measured(settings: Settings, url: str) -> dict[str, float]:
    """Run everything; return the figures."""
    service = load.Service(settings, EMULATED.content_hash())
    with inference(settings, url) as pid:
        service.queued(load.asks(WARM_UP, seed=1))
        before = cpu_seconds(pid)
        wanted = load.asks(REQUESTS, seed=2)
        seconds = service.queued(wanted)
        cpu = cpu_seconds(pid) - before
        compared = load.asks(COMPARED, seed=3)
        hops = service.in_turn(compared, CONCURRENCY)
    service.close()
    home = settings.home / "own"
    bare = asyncio.run(own.direct(url, compared, CONCURRENCY))
    ours = asyncio.run(own.drafted(url, home, compared, CONCURRENCY))
    mean = statistics.mean(ask.seconds for ask in wanted)
    figures = {"of_ideal": REQUESTS / seconds / (CONCURRENCY / mean)}
    for name, over in (("overhead", ours), ("with_kafka", hops)):
        for share in (50, 95, 99):
            added = percentile(over, share / 100) - percentile(bare, share / 100)
            figures[f"{name}_p{share}_ms"] = added * 1000
    figures["cpu_ms_per_request"] = cpu / REQUESTS * 1000
    figures["direct_p50_ms"] = percentile(bare, 0.5) * 1000
    return figures


def main() -> None:
    """Run the benchmark on a broker of its own."""
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as home, local_kafka(Path(home)) as cluster:
        settings = Settings(bootstrap_servers=cluster.bootstrap_servers, home=Path(home) / "state")
        asyncio.run(create_topics(settings))
        asyncio.run(register(EMULATED, settings))
        with emulator() as url:
            figures = measured(settings, url)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
