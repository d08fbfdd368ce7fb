"""`glideslope demo` as a person runs it, and what it says when something is not as it must be."""

import io
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from rich.console import Console

from glideslope.demo import play
from glideslope.samples.questions import QUESTIONS
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def demo_topics(bootstrap: str) -> set[str]:
    everything = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=30).topics
    return {name for name in everything if name.startswith("demo-")}


def until_gone(bootstrap: str, before: set[str]) -> None:
    """Wait for the broker, which hears of a deletion after the controller has answered."""
    deadline = time.monotonic() + 30
    while left := demo_topics(bootstrap) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_it_ends_well_and_leaves_nothing_on_a_cluster_that_is_not_its_own(
    bootstrap: str, tmp_path: Path
) -> None:
    before = demo_topics(bootstrap)
    done = subprocess.run(
        [sys.executable, "-m", "glideslope", "demo"],
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "GLIDESLOPE_HOME": str(tmp_path),
            "GLIDESLOPE_PARTITIONS": "2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for sample in QUESTIONS:
        assert f"{sample.id}  {sample.end}" in done.stdout
    assert "13 = results 10 + rejected 1 + duplicates 1 + dead letters 1" in done.stdout
    assert f"audit verify {tmp_path / 'demo/audit'}" in done.stdout
    assert "\x1b" not in done.stdout  # plain text where there is no terminal
    until_gone(bootstrap, before)


async def test_an_end_that_is_not_as_promised_fails_it(
    bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(QUESTIONS[0], says="EUR 1 million")
    monkeypatch.setattr(play, "QUESTIONS", (wrong, *QUESTIONS[1:]))
    settings = Settings(bootstrap_servers=bootstrap, home=tmp_path, partitions=2)
    with pytest.raises(play.DemoFailedError) as failure:
        await play.demo(settings, Console(file=io.StringIO(), width=120))
    assert "demo-01, a figure: should say 'EUR 1 million', but says" in str(failure.value)
    assert str(tmp_path / "demo" / "logs") in str(failure.value)
