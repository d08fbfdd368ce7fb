"""What the Dockerfile and docker-compose.yml promise, as far as it shows without an engine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from glideslope.kafka.runtime import kafka_version
from services.inference.adapters.server_store import OLDEST

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()

PARTS: dict[str, dict[str, Any]] = YAML(typ="safe").load(COMPOSE)["services"]
LOCKED = {
    each["name"]: each["version"]
    for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    if "version" in each
}

WHO_HAS = {
    "boto3": {"audit", "inference"},
    "phonenumbers": {"validator"},
    "qdrant_client": {"inference"},
    "sqlalchemy": {"review"},
}
ENDS_BY_ITSELF = {"bucket", "cli", "secrets", "topics"}
WITHOUT_A_PROBE = {"otel-collector"}  # nothing in its image could ask
HAS_THE_MASTER_KEY = {"audit", "audit-more", "cli", "secrets"}  # writes, reads, made it
MAY_WRITE = {"kafka", "qdrant"}  # their images write beside their data


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_its_own_dependencies_alone(service: str) -> None:
    """As the lock file has it; `make compose-test` looks into the images."""
    said = subprocess.run(
        [
            *(Path(sys.executable).parent / "uv", "export", "--quiet", "--frozen", "--no-dev"),
            *("--no-hashes", "--no-emit-workspace", "--package", f"glideslope-{service}"),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    given = set(re.findall(r"^([a-z0-9-]+)==", said.stdout, re.MULTILINE))
    assert "aiokafka" in given
    assert {name for name in WHO_HAS if name.replace("_", "-") in given} == {
        name for name, who in WHO_HAS.items() if service in who
    }


def test_every_image_can_be_made_with_what_amazon_msk_asks_for() -> None:
    lists = [ROOT / "pyproject.toml", *(ROOT / "services" / s / "pyproject.toml" for s in SERVICES)]
    for path in lists:
        assert "msk" in tomllib.loads(path.read_text())["project"]["optional-dependencies"], path
    syncs = re.findall(r"uv sync [^&\n]*--no-dev[^&]*", DOCKERFILE)
    assert ['${EXTRAS:+--extra "$EXTRAS"}' in each for each in syncs] == [True, True]


def test_every_member_of_the_workspace_is_in_the_image_and_in_compose() -> None:
    for service in SERVICES:
        assert f"COPY services/{service}/pyproject.toml services/{service}/" in DOCKERFILE
        assert PARTS[service]["build"]["args"]["SERVICE"] == service
        more = PARTS[f"{service}-more"]
        assert (more["image"], more["profiles"]) == (PARTS[service]["image"], ["scale"])


def test_compose_runs_the_same_kafka_as_the_local_broker() -> None:
    assert PARTS["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_compose_runs_the_same_moto_as_the_tests() -> None:
    assert PARTS["s3"]["image"] == f"motoserver/moto:{LOCKED['moto']}"


def test_compose_runs_a_qdrant_that_inference_takes() -> None:
    version = re.fullmatch(
        r"qdrant/qdrant:v(\d+)\.(\d+)\.\d+-unprivileged", PARTS["qdrant"]["image"]
    )
    assert version is not None
    assert (int(version[1]), int(version[2])) >= OLDEST


def test_compose_gives_the_master_key_to_those_who_need_it_alone() -> None:
    having = {
        name
        for name, part in PARTS.items()
        if any(each.startswith("audit-secrets:") for each in part.get("volumes", ()))
    }
    assert having == HAS_THE_MASTER_KEY


def test_compose_publishes_on_loopback_only() -> None:
    published = [port for part in PARTS.values() for port in part.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", PARTS)
def test_compose_holds_back_each_container(name: str) -> None:
    part = PARTS[name]
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part.get("read_only", False) is (name not in MAY_WRITE)
    assert "privileged" not in part
    assert set(part["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    if name not in ENDS_BY_ITSELF:
        assert ("healthcheck" in part) is (name not in WITHOUT_A_PROBE)


def test_compose_mounts_files_that_there_are() -> None:
    mounted = [
        volume.split(":")[0]
        for part in PARTS.values()
        for volume in part.get("volumes", ())
        if volume.startswith("./")
    ]
    assert mounted
    assert [path for path in mounted if not (ROOT / path).exists()] == []


def test_compose_asks_the_port_that_the_image_serves_health_on() -> None:
    port = re.search(r"GLIDESLOPE_HEALTH_PORT=(\d+)", DOCKERFILE)
    assert port is not None
    assert f"EXPOSE {port[1]}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{port[1]}/readyz" in COMPOSE
    prometheus = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    (ours,) = prometheus["scrape_configs"][0]["dns_sd_configs"]
    assert (sorted(ours["names"]), ours["port"]) == (SERVICES, int(port[1]))


def test_the_image_is_made_with_the_tools_that_the_lock_names() -> None:
    assert f"uv=={LOCKED['uv']}" in DOCKERFILE
    # what writes the bill of materials, and names itself and its library in it
    assert re.search(r"^RUN .*uv sync .*--locked --only-group bill$", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"pip install .*cyclonedx", DOCKERFILE)
