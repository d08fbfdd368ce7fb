import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glideslope.kafka import container
from glideslope.kafka.errors import WayClosedError
from glideslope.kafka.runtime import kafka_version

IMAGE = f"apache/kafka:{kafka_version()}"
Docker = Callable[[str], None]

ENGINE = """
case "$1" in
  info) echo "27.1.1 [name=seccomp,profile=builtin]" ;;
"""
HAS_IMAGE = ENGINE + "image) ;; *) exit 9 ;; esac"
PULLS = ENGINE + "image) exit 1 ;; pull) ;; *) exit 9 ;; esac"
CANNOT_PULL = ENGINE + "image) exit 1 ;; pull) echo 'no such host' >&2; exit 1 ;; esac"
ROOTLESS = """
case "$1" in info) echo "27.1.1 [name=seccomp name=rootless]" ;; image) ;; *) exit 9 ;; esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Put a docker client of the test's own on an otherwise bare PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(script: str) -> None:
        (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "docker").chmod(0o755)

    return put


def prepared(lines: list[str] | None = None) -> container.Container:
    return container.prepare(os.environ, (lines if lines is not None else []).append)


def test_without_a_docker_command_it_says_how_to_get_docker(docker: Docker) -> None:
    del docker
    with pytest.raises(WayClosedError, match=r"no `docker` command.*apt-get install docker\.io"):
        prepared()


@pytest.mark.parametrize(
    "script",
    [
        "echo 'Cannot connect to the Docker daemon' >&2; exit 1",
        "echo ' []'; echo 'Cannot connect to the Docker daemon' >&2",  # older clients end with 0
        # 20.10, which answers what it is asked for: its errors, or a version that it does not have
        """case "$3" in
             *.ServerErrors*) echo 'Cannot connect to the Docker daemon' ;;
             *) echo 'template: nil pointer' >&2; exit 1 ;;
           esac""",
    ],
)
def test_without_an_engine_it_says_how_to_start_one(docker: Docker, script: str) -> None:
    docker(script)
    with pytest.raises(WayClosedError, match=r"Cannot connect .*systemctl start docker"):
        prepared()


def test_an_image_that_is_there_is_not_pulled(docker: Docker) -> None:
    docker(HAS_IMAGE)
    lines: list[str] = []
    assert prepared(lines) == container.Container(IMAGE, rootless=False)
    assert lines == []


def test_an_image_that_is_not_there_is_pulled_with_progress(docker: Docker) -> None:
    docker(PULLS)
    lines: list[str] = []
    assert prepared(lines).image == IMAGE
    assert lines == [f"pulling {IMAGE} (only once)"]


def test_an_image_that_cannot_be_pulled_closes_the_way(docker: Docker) -> None:
    docker(CANNOT_PULL)
    with pytest.raises(WayClosedError, match=f"no such host. Give Docker the image.*{IMAGE}"):
        prepared()


def test_the_broker_is_published_on_loopback_only_and_owns_nothing_of_the_engine() -> None:
    broker = container.Container(IMAGE, rootless=False)
    command = broker.serve(Path("/home/a b/.glideslope/kafka"), "127.0.0.1:20001")
    assert command[command.index("--publish") + 1] == "127.0.0.1:20001:20001"
    assert command[command.index("--volume") + 1] == "/home/a b/.glideslope/kafka:/glideslope"
    assert command[command.index("--cap-drop") + 1] == "ALL"
    assert command[command.index("--user") + 1] == f"{os.getuid()}:{os.getgid()}"


def test_in_a_rootless_engine_the_containers_root_is_this_user(docker: Docker) -> None:
    docker(ROOTLESS)
    assert "--user" not in prepared().serve(Path("/home"), "127.0.0.1:20001")


def test_two_folders_have_two_containers_and_one_folder_always_the_same() -> None:
    broker = container.Container(IMAGE, rootless=False)
    a, b = Path("/a"), Path("/b")
    names = [
        command[command.index("--name") + 1]
        for command in (
            broker.serve(a, "127.0.0.1:1"),
            broker.serve(b, "127.0.0.1:1"),
            broker.format(a, "id"),
        )
    ]
    assert names[0] == names[2] != names[1]
