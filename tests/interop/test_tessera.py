"""Our logs, served by `audit serve`, before the fsck of Tessera: the Go project's successor."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvicorn

from glideslope.audit.objects import FolderObjects
from glideslope.audit.serve import served

WriteLog = Callable[..., tuple[Path, str]]


@pytest.fixture(scope="module")
def fsck(interop: Path) -> Path:
    if not (interop / "fsck").exists():
        pytest.skip("Tessera's fsck is not here: `make interop` builds it where Go is")
    return interop / "fsck"


@contextmanager
def serving(log: Path) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    with closing(FolderObjects(log)) as objects, closing(listening):
        server = uvicorn.Server(uvicorn.Config(served({"0": objects}), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/0/"
        server.should_exit = True
        thread.join()


def said(fsck: Path, log: Path, vkey: str) -> str:
    """Return what it says: it ends with 0 whatever it found."""
    key = log.parent / "vkey"
    key.write_text(f"{vkey}\n")
    with serving(log) as url:
        command = [str(fsck), f"-storage_url={url}", f"-public_key={key}", "-ui=false", "-N=4"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stderr


@pytest.mark.parametrize("sizes", [(1,), (100, 256), (200, 257), (1, 3, 260, 513, 1000)])
def test_it_finds_nothing_wrong_with_a_log_that_was_served(
    fsck: Path, write_log: WriteLog, sizes: tuple[int, ...]
) -> None:
    assert f"Successfully fsck'd log with size {sizes[-1]} and root" in said(
        fsck, *write_log(*sizes)
    )


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"])
def test_it_finds_what_was_changed(fsck: Path, write_log: WriteLog, name: str) -> None:
    folder, vkey = write_log(300)
    data = bytearray((folder / name).read_bytes())
    data[20] ^= 1
    (folder / name).write_bytes(data)
    assert "fsck failed" in said(fsck, folder, vkey)
