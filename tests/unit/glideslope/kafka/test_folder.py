import os
import socket
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from glideslope.kafka.errors import AlreadyRunningError
from glideslope.kafka.folder import Folder, new_cluster_id


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    with folder.locked():
        yield folder


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_a_folder_is_held_by_one_and_free_afterwards(tmp_path: Path) -> None:
    with (
        Folder(tmp_path).locked(),
        pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}.*GLIDESLOPE_HOME"),
        Folder(tmp_path).locked(),
    ):
        pass
    with Folder(tmp_path).locked():
        pass


def test_an_owner_that_was_killed_is_waited_for_while_its_broker_stops(tmp_path: Path) -> None:
    # A stand-in for the broker inherits the lock, outlives its owner, and ends when it is told.
    with Folder(tmp_path).locked() as lock:
        broker = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(0.3)"], pass_fds=[lock]
        )
        (tmp_path / "kafka" / "lock").write_text(str(2**22 + 1))  # no such process can be
    with broker, Folder(tmp_path).locked():
        assert broker.wait(timeout=0.1) == 0


def test_the_address_is_kept_while_it_is_free(held: Folder) -> None:
    first = held.configure("127.0.0.1")
    assert held.configure("127.0.0.1") == first
    with socket.create_server(("127.0.0.1", port_of(first))):
        assert held.configure("127.0.0.1") != first


def test_ports_are_not_those_that_the_system_gives_to_clients(held: Folder) -> None:
    assert port_of(held.configure("127.0.0.1")) < 32_768


def test_the_broker_listens_and_is_advertised_on_loopback(held: Folder) -> None:
    address = held.configure("127.0.0.1")
    settings = held.settings.read_text()
    assert f"listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:" in settings
    assert f"advertised.listeners=PLAINTEXT://{address}\n" in settings


def test_nothing_runs_on_a_home_that_nobody_holds(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.running_at() is None
    with folder.locked():
        address = folder.configure("127.0.0.1")
        assert folder.running_at() is None  # not listening yet
        with socket.create_server(("127.0.0.1", port_of(address))):
            assert folder.running_at() == address
    with socket.create_server(("127.0.0.1", port_of(address))):
        assert folder.running_at() is None  # somebody else's


def test_a_cluster_id_is_as_kafka_writes_them() -> None:
    for cluster_id in (new_cluster_id() for _ in range(1000)):
        assert len(cluster_id) == 22
        assert set(cluster_id) <= set(string.ascii_letters + string.digits + "-_")
        assert not cluster_id.startswith("-")
