"""The chart as Helm renders it: by the sets of values in the chart's own folder `ci`."""

import functools
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from tests.k8s import tools

CHART: Final = Path(__file__).parents[4] / "deploy" / "helm" / "glideslope"
CASES: Final = tuple(sorted(path.stem for path in (CHART / "ci").glob("*.yaml")))
SERVICES: Final = ("audit", "inference", "ingest", "review", "validator")
WORKLOADS: Final = ("Deployment", "StatefulSet")


@functools.cache
def helm() -> str:
    """Return Helm, which is fetched once; a test is skipped, and says why, where it cannot be."""
    try:
        return str(tools.helm())
    except tools.CannotBeHadError as error:
        pytest.skip(f"no Helm: {error}")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False)


def template(case: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    values = ("-f", str(CHART / "ci" / f"{case}.yaml"))
    return run("template", "gs", str(CHART), "-n", "answers", *values, *arguments)


@functools.cache
def text(case: str, *arguments: str) -> str:
    rendered = template(case, *arguments)
    assert rendered.returncode == 0, rendered.stderr
    return rendered.stdout


@functools.cache
def objects(case: str, *arguments: str) -> tuple[dict[str, Any], ...]:
    return tuple(filter(None, YAML(typ="safe").load_all(text(case, *arguments))))


def of_kind(case: str, *kinds: str) -> list[dict[str, Any]]:
    return [each for each in objects(case) if each["kind"] in kinds]


def named(case: str, kind: str, name: str) -> dict[str, Any]:
    [found] = [each for each in of_kind(case, kind) if each["metadata"]["name"] == name]
    return found


def pods(case: str) -> dict[str, dict[str, Any]]:
    """Return every pod that may come of the chart: its metadata and spec, by owner."""
    found: dict[str, dict[str, Any]] = {}
    for each in objects(case):
        owner = f"{each['kind']} {each['metadata']['name']}"
        if each["kind"] == "Pod":
            found[owner] = each
        elif each["kind"] in {*WORKLOADS, "Job"}:
            found[owner] = each["spec"]["template"]
    return found


def workload(case: str, service: str) -> dict[str, Any]:
    [found] = [
        each
        for each in of_kind(case, *WORKLOADS)
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == service
    ]
    return found


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted: dict[str, str] = selector.get("matchLabels", selector)
    return wanted.items() <= labels.items()
