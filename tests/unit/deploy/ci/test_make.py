"""The Makefile and what a person typed into a workflow: it reaches a script as it was typed."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PYTHON = """#!/bin/sh
printf '%s\\n' "$VERSION" "$RELEASE" > "$TOLD"
"""


@pytest.mark.parametrize("target", ["verify-signatures", "release", "gate"])
@pytest.mark.parametrize("typed", ["$(shell touch here)", "`touch here`", "; touch here", "0.2.0"])
def test_what_was_typed_is_not_run(target: str, typed: str, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    ready = "--old-file=.venv/.ready"
    subprocess.run(
        ["make", "-f", ROOT / "Makefile", ready, f"BIN={tmp_path}", "UV=true", target],
        cwd=tmp_path,
        env={**os.environ, "VERSION": typed, "RELEASE": typed, "TOLD": str(tmp_path / "told")},
        capture_output=True,
        check=True,
    )

    assert (tmp_path / "told").read_text().splitlines() == [typed, typed]
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("told", "registry"),
    [([], "ghcr.io/acme/pilot"), (["PULL_FROM=ecr.example/pilot/"], "ecr.example/pilot")],
)
def test_nodes_pull_from_where_they_are_told_or_from_where_it_was_released(
    told: list[str], registry: str
) -> None:
    given = ("REGISTRY=ghcr.io/acme/pilot/", "VALUES=mine.yaml", *told)
    printed = subprocess.run(
        ["make", "--dry-run", "deploy", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"--set image.registry={registry} " in printed.stdout
