import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REQUIRE = Path(__file__).parents[4] / "deploy" / "local" / "require"
JAVA_17 = """echo 'openjdk version "17.0.15"' >&2"""
JAVA_11 = """echo 'openjdk version "11.0.2"' >&2"""

Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask on a machine that has these programs and no others but the shell's own."""
    for name in ("sed", "cat"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))

    def ask(what: str, **programs: str) -> subprocess.CompletedProcess[str]:
        for name, script in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        return subprocess.run(
            ["/bin/sh", REQUIRE, what],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return ask


def test_a_recent_python_is_named(ask: Ask, tmp_path: Path) -> None:
    answer = ask("python", python3=f'exec {sys.executable} "$@"')
    assert answer.stdout.strip() == str(tmp_path / "python3")


@pytest.mark.parametrize("programs", [{}, {"python3": "exit 1"}])
def test_without_a_recent_python_it_says_how_to_install_one(
    ask: Ask, programs: dict[str, str]
) -> None:
    answer = ask("python", **programs)
    assert answer.returncode == 1
    assert "apt-get install python3 python3-venv" in answer.stderr
    assert "brew install python" in answer.stderr


@pytest.mark.parametrize(
    "programs",
    [{"java": JAVA_17, "mvn": ""}, {"docker": "echo 27.1"}],
    ids=["Java and Maven", "Docker"],
)
def test_java_with_maven_or_docker_is_enough_for_kafka(ask: Ask, programs: dict[str, str]) -> None:
    assert ask("kafka", **programs).returncode == 0


@pytest.mark.parametrize(
    "programs",
    [{}, {"java": JAVA_17}, {"java": JAVA_11, "mvn": ""}, {"docker": "exit 1"}],
    ids=["nothing", "no Maven", "Java too old", "Docker's engine is down"],
)
def test_without_a_way_to_kafka_all_three_are_named(ask: Ask, programs: dict[str, str]) -> None:
    answer = ask("kafka", **programs)
    assert answer.returncode == 1
    for way in ("default-jre-headless maven", "docker.io", "export KAFKA_BOOTSTRAP_SERVERS="):
        assert way in answer.stderr
