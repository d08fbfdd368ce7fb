"""Data stays inside: cut off from everything but this machine's loopback, the whole demo runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from glideslope.kafka import WayClosedError, jvm

ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    """Skip where no network namespace can be made, or no Kafka can run inside it."""
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install util-linux iproute2")
    made = subprocess.run([*ALONE, "true"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    try:
        jvm.prepare(os.environ, print)  # the jars must be there before: nothing is fetched inside
    except WayClosedError as closed:
        pytest.skip(str(closed))


def alone(*command: str, **environment: str) -> dict[str, Any]:
    """Run a command in a namespace of its own; see `inside`."""
    outer = {name: each for name, each in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    done = subprocess.run(
        [*ALONE, sys.executable, str(Path(__file__).with_name("inside.py")), *command],
        cwd=ROOT,
        env={**outer, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_who_asks_the_outside_is_seen_and_gets_no_answer() -> None:
    told = alone(
        sys.executable,
        "-c",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'?', ('198.51.100.53', 53))",
    )
    assert (told["exit_code"], told["packets_to_the_outside"]) == (0, 1)
    assert not told["outside_reached"]


@pytest.mark.timeout(180)
def test_the_whole_demo_runs_and_nothing_even_tries_to_leave(tmp_path: Path) -> None:
    told = alone(
        *(sys.executable, "-m", "glideslope", "demo"),
        GLIDESLOPE_HOME=str(tmp_path),
        GLIDESLOPE_KAFKA="jvm",
        GLIDESLOPE_PARTITIONS="2",
    )
    assert told["exit_code"] == 0, told["output"]
    assert "Every request ended exactly once" in told["output"]
    assert told["packets_to_the_outside"] == 0
    assert not told["outside_reached"]
    assert told["packets_of_the_control"] > 0
