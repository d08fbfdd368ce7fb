"""What the Dockerfile and docker-compose.yml promise, as far as it shows without an engine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from glideslope.kafka.runtime import kafka_version

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()

LISTED_BY_ITS_OWNER_ALONE = {"qdrant_client": "inference", "phonenumbers": "validator"}


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

    command = re.search(r"^RUN (uv sync .*--package .*)$", DOCKERFILE, re.MULTILINE)
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
    others = [name for name, owner in LISTED_BY_ITS_OWNER_ALONE.items() if owner != service]
    code = (
        f"import importlib.util, services.{service}.app\n"
        f"print([name for name in {others} if importlib.util.find_spec(name)])"
    )
    imported = subprocess.run(
        [python, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert imported.stdout.strip() == "[]"


def test_every_member_of_the_workspace_is_in_the_image_and_in_compose() -> None:
    for service in SERVICES:
        assert f"COPY services/{service}/pyproject.toml services/{service}/" in DOCKERFILE
        assert f"{{SERVICE: {service}}}" in COMPOSE


def test_compose_runs_the_same_kafka_as_the_local_broker() -> None:
    assert re.findall(r"image: apache/kafka:(\S+)", COMPOSE) == [kafka_version()]


def test_compose_publishes_on_loopback_only() -> None:
    published = re.findall(r"ports: \[(.*)\]", COMPOSE)
    assert published
    assert all(port.strip('" ').startswith("127.0.0.1:") for port in published)


def test_compose_asks_the_port_that_the_image_serves_health_on() -> None:
    port = re.search(r"GLIDESLOPE_HEALTH_PORT=(\d+)", DOCKERFILE)
    assert port is not None
    assert f"EXPOSE {port[1]}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{port[1]}/readyz" in COMPOSE


def test_the_image_is_made_with_the_uv_that_the_lock_names() -> None:
    locked = {
        each["name"]: each for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    assert f"uv=={locked['uv']['version']}" in DOCKERFILE
