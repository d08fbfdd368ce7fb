"""A service that is started alone with settings that are wrong."""

import json
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared import topics

pytestmark = pytest.mark.usefixtures("logs_as_before")

ROOT = Path(__file__).parents[3]
CANARY = "canary-9c41e7"
OF_ONE: Mapping[str, tuple[str, str]] = {
    "ingest": ("GLIDESLOPE_RELEASE", "String should match pattern"),
    "inference": ("GLIDESLOPE_BUDGET_SHARE", "Input should be a valid number"),
    "validator": ("GLIDESLOPE_THREAD_ABOVE_CHARACTERS", "Input should be a valid integer"),
    "audit": ("GLIDESLOPE_AUDIT_S3_RETENTION_DAYS", "Input should be a valid integer"),
    "review": ("GLIDESLOPE_REVIEW_SIGN_IN", "Input should be 'oidc' or 'local'"),
}
"""A setting of each service alone, and what is wrong with one that is no more than a word."""


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("service", topics.RETRIES)
def test_it_ends_with_a_line_for_each_of_them_and_no_secret(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own, wrong = OF_ONE[service]
    monkeypatch.setenv("GLIDESLOPE_PARTITIONS", CANARY)
    monkeypatch.setenv(own, CANARY)
    program = f"services.{service}.app"
    monkeypatch.delitem(sys.modules, program, raising=False)

    with pytest.raises(SystemExit) as ended:
        runpy.run_module(program, run_name="__main__")

    assert ended.value.code == 2
    logged = capsys.readouterr().err
    assert {(line["service"], line["level"]) for line in lines(logged)} == {(service, "critical")}
    said = [line["error"] for line in lines(logged)]
    assert len(said) == 2
    assert said[0].startswith("setting GLIDESLOPE_PARTITIONS: Input should be a valid integer")
    assert said[1].startswith(f"setting {own}: {wrong}")
    assert CANARY not in logged


def test_an_address_of_a_database_that_is_none_is_told_without_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLIDESLOPE_REVIEW_DATABASE", f"postgresql+asyncpg://{CANARY}:port/x")
    monkeypatch.delitem(sys.modules, "services.review.app", raising=False)

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("services.review.app", run_name="__main__")

    assert ended.value.code == 2
    logged = capsys.readouterr().err
    (line,) = lines(logged)
    assert line["error"].startswith("setting GLIDESLOPE_REVIEW_DATABASE: it must be an address")
    assert CANARY not in logged


def test_a_process_shows_no_traceback_and_warns_of_a_misspelt_variable() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.ingest.app"],
        cwd=ROOT,
        env={"GLIDESLOPE_PARTITONS": "4", "GLIDESLOPE_RETRY_DELAYS_SECONDS": "5, 30"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (2, "")
    stopped, warned = lines(done.stderr)
    assert stopped["error"] == "setting GLIDESLOPE_RETRY_DELAYS_SECONDS: it must be JSON"
    assert warned["level"] == "warning"
    assert "is it GLIDESLOPE_PARTITIONS?" in warned["advice"]
