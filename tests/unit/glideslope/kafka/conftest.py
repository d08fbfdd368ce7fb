"""A bare machine whose Java and Maven are the test's own programs."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[[str, str], None]
JAVA_17 = """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""
FETCHES = """
case "$*" in *dependency:copy-dependencies*) ;; *) exit 3 ;; esac
for last; do :; done
mkdir -p "${last#*=}" && touch "${last#*=}/kafka.jar"
echo "[INFO] Copying kafka.jar to somewhere/kafka.jar"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a program of the test's own on an otherwise bare PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin-nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def environment(tmp_path: Path, program: Program) -> dict[str, str]:
    del program
    return {"PATH": os.environ["PATH"], "GLIDESLOPE_CACHE": str(tmp_path / "cache")}
