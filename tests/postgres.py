"""A PostgreSQL of one's own, from what is installed, for as long as it is needed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_NOBODY: Final = 65534
_READY_SECONDS: Final = 60.0
_LEASH: Final = ("setpriv", "--pdeathsig", "QUIT") if shutil.which("setpriv") else ()
_DEBIAN: Final = [f"/usr/lib/postgresql/{version}/bin" for version in range(18, 13, -1)]


class NotInstalledError(Exception):
    """There is no `initdb`."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL is not installed here (Debian: postgresql)")


@contextmanager
def postgres(*options: str) -> Iterator[str]:
    """Start a server in a folder of its own; yield `user@host:port`.

    `options` are settings, as `fsync=off`. Raises `NotInstalledError`.
    """
    initdb = shutil.which("initdb") or shutil.which("initdb", path=os.pathsep.join(_DEBIAN))
    if initdb is None:
        raise NotInstalledError
    tools = Path(initdb).resolve().parent
    # the server refuses to be root, and its folder must be its own
    demoted: dict[str, Any] = (
        {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    with tempfile.TemporaryDirectory(prefix="glideslope-postgres-") as folder:
        if demoted:
            os.chown(folder, _NOBODY, _NOBODY)

        def run(tool: str, *arguments: str) -> None:
            subprocess.run(
                [tools / tool, "-D", f"{folder}/data", *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                **demoted,
            )

        run("initdb", "-U", "glideslope", "--auth=trust", "--no-sync")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        given = ["max_connections=200", *options]
        server = subprocess.Popen(
            [
                *_LEASH,  # it ends with who started it, however that ends
                *(tools / "postgres", "-D", f"{folder}/data", "-p", str(port), "-h", "127.0.0.1"),
                *("-k", folder, *(part for each in given for part in ("-c", each))),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **demoted,
        )
        try:
            _wait_until_ready(tools, port)
            yield f"glideslope@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            server.wait(30)


def _wait_until_ready(tools: Path, port: int) -> None:
    give_up = time.monotonic() + _READY_SECONDS
    ask: list[str | Path] = [
        tools / "pg_isready",
        "-q",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-d",
        "postgres",
    ]
    while subprocess.run(ask, check=False).returncode:
        if time.monotonic() > give_up:
            raise TimeoutError(f"PostgreSQL is not ready after {_READY_SECONDS:g} s")
        time.sleep(0.05)
