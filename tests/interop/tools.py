"""Gets the verifiers that others wrote, once, into .venv/interop: `make interop` runs this.

tlogcheck    our few lines around the Go project's golang.org/x/mod/sumdb
fsck         Tessera's checker of tlog-tiles logs
aics/        aics-tlog from PyPI in an environment of its own: it wants a newer `cryptography`
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
TOOLS = HERE.parent.parent / ".venv" / "interop"
GO = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
FSCK = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4"
AICS = "aics-tlog==0.2.1"


def tlogcheck() -> Path:
    """Build it where the source is newer than what was built."""
    built, source = TOOLS / "tlogcheck", HERE / "tlogcheck"
    newest = max(path.stat().st_mtime for path in source.iterdir())
    if not built.exists() or built.stat().st_mtime < newest:
        go("build", "-o", str(built), ".", cwd=source)
    return built


def fsck() -> Path:
    if not (TOOLS / "fsck").exists():
        go("install", FSCK, cwd=HERE)
    return TOOLS / "fsck"


def aics() -> Path:
    """Return the Python that has it.

    It says that it needs Python 3.12; it runs on 3.11 as well, which Debian has.
    """
    python = TOOLS / "aics" / "bin" / "python"
    if not python.exists():
        venv.create(TOOLS / "aics", with_pip=True, clear=True)
        install = (python, "-m", "pip", "install", "-q", "--ignore-requires-python", AICS)
        try:
            subprocess.run(install, check=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(TOOLS / "aics")
            raise
    return python


def go(*arguments: str, cwd: Path) -> None:
    if GO is None:
        raise FileNotFoundError("Go is not on this machine")
    TOOLS.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(TOOLS), "GOFLAGS": ""}
    subprocess.run([GO, *arguments], cwd=cwd, env=environment, check=True)


if __name__ == "__main__":
    missing = False
    for get in (tlogcheck, fsck, aics):
        try:
            get()
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            missing = True
            print(f"{get.__name__} cannot be had: {error}", file=sys.stderr)
    # the tests of what is missing are skipped, but in CI, which has to have it
    sys.exit(missing and bool(os.environ.get("GITHUB_ACTIONS")))
