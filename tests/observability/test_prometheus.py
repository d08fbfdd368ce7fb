"""Prometheus' own judgement of what it is told and asked: promtool."""

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.k8s import tools

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
ALERTS = ROOT / "deploy" / "helm" / "glideslope" / "files" / "alerts.yaml"


def checked(what: str, path: Path) -> str:
    """Return what promtool has against a file: nothing, if all is well."""
    try:
        program = tools.promtool()
    except tools.CannotBeHadError as error:
        pytest.skip(f"no promtool: {error}")
    ran = subprocess.run(
        [str(program), "check", what, str(path)], capture_output=True, text=True, check=False
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_its_configuration_is_valid() -> None:
    assert checked("config", ROOT / "deploy" / "prometheus" / "prometheus.yml") == ""


def test_the_alerts_are_valid() -> None:
    assert checked("rules", ALERTS) == ""


@pytest.mark.parametrize("path", DASHBOARDS, ids=[each.stem for each in DASHBOARDS])
def test_what_a_dashboard_asks_is_promql(path: Path, tmp_path: Path) -> None:
    """A recording rule is checked as a query is not: without a server."""
    asked = [
        target["expr"]
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
    ]
    assert rules(asked, tmp_path) == ""
    assert rules([f"{asked[0]})"], tmp_path) != ""


def rules(asked: list[str], folder: Path) -> str:
    file = folder / "rules.yaml"
    named = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(asked)]
    YAML().dump({"groups": [{"name": "dashboard", "rules": named}]}, file)
    return checked("rules", file)
