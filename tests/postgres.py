"""A PostgreSQL of one's own, from what is installed, for as long as it is needed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_NOBODY: Final = 65534
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
        line = f"-p {port} -h 127.0.0.1 -k {folder} {' '.join(f'-c {each}' for each in given)}"
        run("pg_ctl", "-w", "-s", "-l", f"{folder}/log", "-o", line, "start")
        try:
            yield f"glideslope@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")
