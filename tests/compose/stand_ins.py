"""Images where no registry gives the real ones: the same programs from Debian, PyPI and Maven."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from glideslope.kafka import jvm
from glideslope.kafka.folder import DEPLOY
from tests.compose.engine import Engine, NoEngineError

_HERE: Final = Path(__file__).parent / "stand-ins"
_DEBIAN: Final = "glideslope-stand-in-debian"
PYTHON: Final = "glideslope-stand-in-python"
_MINUTES: Final = 900.0  # seconds: packages are fetched


def build(engine: Engine) -> None:
    """Build all that `stand-ins.yml` names. Raises `NoEngineError` where a part cannot be had."""
    _unless_there(engine, _DEBIAN, _debian)
    _build(engine, PYTHON, _HERE / "python", BASE=_DEBIAN)
    _build(engine, "glideslope-stand-in-postgres", _HERE / "postgres", BASE=_DEBIAN)
    moto = version("moto")
    _build(engine, "glideslope-stand-in-moto", _HERE / "moto", BASE=PYTHON, VERSION=moto)
    _build(engine, "glideslope-stand-in-prometheus", _HERE / "prometheus", BASE=_DEBIAN)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(_HERE / "kafka", folder, dirs_exist_ok=True)
        shutil.copytree(jvm.prepare(os.environ, print).jars, Path(folder) / "jars")
        shutil.copy(DEPLOY / "log4j2.properties", folder)
        _build(engine, "glideslope-stand-in-kafka", Path(folder), BASE=_DEBIAN)


def _unless_there(engine: Engine, image: str, make: Callable[[Engine, str], None]) -> None:
    if not engine.docker("image", "ls", "--quiet", image).strip():
        make(engine, image)


def _build(engine: Engine, image: str, context: Path, **arguments: str) -> None:
    given = (
        part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")
    )
    engine.docker("build", "--quiet", "--tag", image, *given, context, within=_MINUTES)


def _debian(engine: Engine, image: str) -> None:
    """Make Debian's smallest system an image, with the certificates that this machine trusts.

    So it must never be pushed.
    """
    if os.geteuid() or shutil.which("debootstrap") is None:
        raise NoEngineError(
            "no registry answers, and a stand-in for its images needs root and debootstrap "
            "(Debian: debootstrap)"
        )
    subprocess.run(
        [_HERE / "debian", image],
        env={**os.environ, **engine.environment},
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=_MINUTES,
    )
