"""The contenders as processes on topics of their own."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.delivery import load

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parent.parent
QUIX_HOME: Final = _ROOT / ".venv" / "bench-quix"


@dataclass(frozen=True)
class Run:
    """One contender on fresh topics, not started yet."""

    name: str
    servers: str
    source: str
    target: str
    command: list[str]
    environment: dict[str, str]

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start the contender, and kill it in the end: it has nothing left to do then."""
        with subprocess.Popen(
            self.command,
            cwd=_ROOT,
            env={**os.environ, **self.environment, "PYTHONPATH": str(_ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGKILL)


def glideslope(servers: str) -> Run:
    """Return Glideslope's delivery engine."""
    prefix = f"bench-{secrets.token_hex(3)}."
    source, target = f"{prefix}requests", f"{prefix}requests.accepted"
    load.create(servers, source, target, f"{prefix}ingest.retry", f"{prefix}dead.letters")
    return Run(
        "glideslope",
        servers,
        source,
        target,
        [sys.executable, "-m", "benchmarks.delivery.glideslope_engine"],
        {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "GLIDESLOPE_TOPIC_PREFIX": prefix,
            "GLIDESLOPE_LOG_LEVEL": "ERROR",
        },
    )


def bare(servers: str) -> Run:
    """Return a bare aiokafka relay, without transactions."""
    return _program("bare", servers, sys.executable, "bare")


def faststream(servers: str, workers: int | None = None) -> Run:
    """Return FastStream's own loop."""
    name = "faststream" if workers is None else f"faststream_{workers}_workers"
    extra = [] if workers is None else [str(workers)]
    return _program(name, servers, sys.executable, "fast_stream", *extra)


def quix(servers: str, commit_seconds: float) -> Run:
    """Return Quix Streams, exactly once, in an environment of its own."""
    python = QUIX_HOME / "bin" / "python"
    if not python.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "-p", sys.executable, str(QUIX_HOME)], check=True)
        subprocess.run(
            [*uv, "pip", "install", "-q", "-p", str(python), "-r", _HERE / "quix/requirements.txt"],
            check=True,
        )
    return _program("quix", servers, str(python), "quix_streams", str(commit_seconds))


def _program(name: str, servers: str, python: str, module: str, *extra: str) -> Run:
    source, target = (f"bench-{secrets.token_hex(3)}.{way}" for way in ("in", "out"))
    load.create(servers, source, target)
    command = [python, "-m", f"benchmarks.delivery.{module}", servers, source, target, *extra]
    return Run(name, servers, source, target, command, {})
