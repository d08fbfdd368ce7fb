import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]

COMMAND = """#!/bin/sh
# Stands for `glideslope`: notes what it is told, and the settings and files that it finds.
printf '%s\\n' "$*" >> "$TOLD"
env | grep '^KAFKA_' | sort > "$TOLD.settings"
cat "${KAFKA_SSL_CA_FILE:-/dev/null}" > "$TOLD.ca"
case $2 in create) echo '[{"release": "abc123"}]' ;; esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has the script, a manifest, and a command that notes what it is told."""
    for folder in ("deploy/ci", ".venv/bin", "releases"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "ci" / "promote", tmp_path / "deploy" / "ci")
    command = tmp_path / ".venv" / "bin" / "glideslope"
    command.write_text(COMMAND)
    command.chmod(0o755)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(shutil.which("python3") or "python3")
    (tmp_path / "releases" / "brief.yaml").write_text("name: brief\n")
    return tmp_path


def promote(project: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "deploy" / "ci" / "promote"],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "TOLD": str(project / "told"),
            "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9098",
            "MANIFEST": "releases/brief.yaml",
            "WHY": "better; $(touch here)",
            "WHO": "jo",
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_manifest_is_registered_and_answers(project: Path) -> None:
    assert promote(project).returncode == 0

    assert (project / "told").read_text().splitlines() == [
        "release create releases/brief.yaml --who jo --why better; $(touch here) --json",
        "release promote abc123 --who jo --why better; $(touch here)",
    ]
    assert not (project / "here").exists()


def test_with_a_percentage_it_is_a_canary(project: Path) -> None:
    assert promote(project, PERCENT="5").returncode == 0

    assert "release canary abc123 --percent 5" in (project / "told").read_text()


@pytest.mark.parametrize("manifest", ["--help", "releases/none.yaml", "releases", "$(touch here)"])
def test_what_is_no_file_is_refused_before_kafka_is_spoken_to(project: Path, manifest: str) -> None:
    done = promote(project, MANIFEST=manifest)

    assert done.returncode == 2
    assert f"there is no manifest {manifest}" in done.stderr
    assert not (project / "told").exists()
    assert not (project / "here").exists()


def test_certificates_that_come_as_text_are_files_for_as_long_as_it_runs(project: Path) -> None:
    done = promote(project, KAFKA_SSL_CA="-- a certificate --", KAFKA_SASL_USERNAME="")

    assert done.returncode == 0
    assert (project / "told.ca").read_text() == "-- a certificate --\n"
    settings = dict(
        line.split("=", 1) for line in (project / "told.settings").read_text().splitlines()
    )
    assert set(settings) == {"KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SSL_CA_FILE"}
    assert not Path(settings["KAFKA_SSL_CA_FILE"]).exists()
