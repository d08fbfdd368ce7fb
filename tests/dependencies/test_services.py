"""Each service in an environment with what it declares and nothing else, as in its image."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_with_its_own_dependencies_alone(service: str, tmp_path: Path) -> None:
    # What the image has: the lists of dependencies, shared, and this one service.
    for path in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / path, tmp_path)
    for member in SERVICES:
        (tmp_path / "services" / member).mkdir(parents=True)
        shutil.copy(ROOT / "services" / member / "pyproject.toml", tmp_path / "services" / member)
    shutil.copy(ROOT / "services" / "__init__.py", tmp_path / "services")
    for package in ("shared", f"services/{service}"):
        shutil.copytree(ROOT / package, tmp_path / package, dirs_exist_ok=True)

    command = re.search(r"^RUN (uv sync .*--package \S+)", DOCKERFILE, re.MULTILINE)
    assert command is not None
    subprocess.run(
        ["sh", "-c", command[1]],
        cwd=tmp_path,
        check=True,
        env={
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "SERVICE": service,
            "UV_PYTHON": sys.executable,
        },
    )
    python = tmp_path / ".venv" / "bin" / "python"
    subprocess.run([python, "-c", f"import services.{service}.app"], cwd=tmp_path, check=True)
