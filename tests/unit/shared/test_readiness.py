import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.readiness import notify


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.settimeout(5)
        yield server


def test_nothing_is_sent_when_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False


def test_assignments_arrive_as_one_datagram(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    assert notify("READY=1", "STATUS=4 partitions") is True
    assert listener.recv(1024) == b"READY=1\nSTATUS=4 partitions"


def test_an_abstract_address_is_understood(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        listener.bind("")  # Linux then picks a name in the abstract namespace
    except OSError:
        pytest.skip("abstract socket addresses are Linux's")
    name = listener.getsockname()
    if not name:
        pytest.skip("abstract socket addresses are Linux's")
    monkeypatch.setenv("NOTIFY_SOCKET", "@" + name[1:].decode())
    assert notify("STOPPING=1") is True
    assert listener.recv(1024) == b"STOPPING=1"


def test_a_listener_that_is_gone_does_not_stop_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert notify("READY=1") is False
