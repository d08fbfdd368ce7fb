"""How long the local Kafka takes: its first start, a later one, a stop, a start after a kill."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from glideslope.kafka import local_kafka

_ROUNDS: Final = 5


def main() -> None:
    """Print medians over five homes, in seconds; what must be fetched is fetched before."""
    with tempfile.TemporaryDirectory() as home:
        _life_of_a_broker(Path(home))
    rounds = []
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as home:
            rounds.append(_life_of_a_broker(Path(home)))
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    print(json.dumps({name: round(seconds, 2) for name, seconds in medians.items()}))


def _life_of_a_broker(home: Path) -> dict[str, float]:
    with ExitStack() as running:
        first = _seconds(lambda: running.enter_context(local_kafka(home)))
        stop = _seconds(running.close)
    with local_kafka(home) as cluster:
        cluster.broker.stop()
        later = _seconds(cluster.broker.start)
        cluster.broker.kill()
        after_a_kill = _seconds(cluster.broker.start)
    return {
        "first_start_s": first,
        "stop_s": stop,
        "later_start_s": later,
        "start_after_kill_s": after_a_kill,
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
