import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glideslope.kafka import jvm
from glideslope.kafka.errors import WayClosedError
from glideslope.kafka.runtime import kafka_version

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


def silently(line: str) -> None:
    del line


@pytest.mark.parametrize(
    "java",
    [
        None,
        "echo 'Unable to locate a Java Runtime.' >&2; exit 1",  # macOS without Java
        """echo 'openjdk version "11.0.2"' >&2""",
        """echo 'java version "1.8.0_202"' >&2""",
    ],
)
def test_without_java_17_it_says_how_to_install_it(
    program: Program, environment: dict[str, str], java: str | None
) -> None:
    if java:
        program("java", java)
    with pytest.raises(WayClosedError, match="apt-get install default-jre") as closed:
        jvm.prepare(environment, silently)
    assert "brew install" in str(closed.value)


def test_without_maven_it_says_how_to_install_it(
    program: Program, environment: dict[str, str]
) -> None:
    program("java", JAVA_17)
    with pytest.raises(WayClosedError, match=r"`mvn` is not.* maven`"):
        jvm.prepare(environment, silently)


def test_jars_are_fetched_once_with_progress_and_then_taken_from_the_cache(
    program: Program, environment: dict[str, str]
) -> None:
    program("java", JAVA_17)
    program("mvn", FETCHES)
    lines: list[str] = []
    first = jvm.prepare(environment, lines.append)
    assert (first.jars / "kafka.jar").exists()
    assert "only once" in lines[0]
    assert lines[-1] == f"fetched Apache Kafka {kafka_version()}: 1 files"

    program("mvn", "exit 1")
    again: list[str] = []
    assert jvm.prepare(environment, again.append) == first
    assert again == []


def test_a_fetch_that_fails_leaves_no_half_filled_cache_and_shows_what_maven_said(
    program: Program, environment: dict[str, str]
) -> None:
    program("java", JAVA_17)
    program("mvn", FETCHES + "\necho '[ERROR] Could not transfer artifact'; exit 1")
    with pytest.raises(WayClosedError, match="Could not transfer artifact"):
        jvm.prepare(environment, silently)
    program("mvn", FETCHES)
    fetched: list[str] = []
    jvm.prepare(environment, fetched.append)
    assert fetched


def test_java_home_is_preferred_to_the_path(
    tmp_path: Path, program: Program, environment: dict[str, str]
) -> None:
    program("java", "exit 1")
    program("mvn", FETCHES)
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\n{JAVA_17}\n")
    java.chmod(0o755)
    assert jvm.prepare({**environment, "JAVA_HOME": str(home)}, silently).java == str(java)
