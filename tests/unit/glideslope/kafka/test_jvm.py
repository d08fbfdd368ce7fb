from pathlib import Path

import pytest

from glideslope.kafka import jvm
from glideslope.kafka.errors import WayClosedError
from glideslope.kafka.runtime import kafka_version
from tests.unit.glideslope.kafka.conftest import FETCHES, JAVA_17, Program


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
