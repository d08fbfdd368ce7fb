"""The dashboards: what Grafana knows, of metrics that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[4]
GRAFANA = ROOT / "deploy" / "grafana"
FOUND = sorted((GRAFANA / "dashboards").glob("*.json"))
# What Prometheus adds to each series, and what each of ours has besides its own labels.
GIVEN = {"instance", "job", "le", "service_name"}


@pytest.fixture(params=FOUND, ids=[each.stem for each in FOUND])
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(request.param.read_text())
    return read


def test_grafana_knows_every_field_of_it(dashboard: dict[str, Any]) -> None:
    """Grafana's own classes read it and write it again: what they do not know is not there then."""
    plugins.register_default_plugins()
    assert lost(dashboard, again(dashboard)) == []
    typo = dashboard | {"refreshh": "10s"}
    assert lost(typo, again(typo)) == ["refreshh"]


def test_it_asks_for_metrics_and_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    known = {
        name: {label.replace(".", "_") for label in re.findall(r"`([\w.]+)`", labels)}
        for name, labels in re.findall(
            r"^\| `(\w+)`<br>[^|]*\|[^|]*\|([^|]*)\|", page, re.MULTILINE
        )
    }
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            asked = set(re.findall(r"\b(?:glideslope|gen_ai)_\w+", target["expr"]))
            metrics = {each.removesuffix("_bucket") for each in asked}
            assert metrics, panel["title"]
            assert metrics <= set(known), panel["title"]
            grouped = re.findall(r"(?:by|on) \(([^)]*)\)", target["expr"])
            labels = {each.strip() for some in grouped for each in some.split(",")}
            assert labels <= GIVEN.union(*(known[each] for each in metrics)), panel["title"]
            shown = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            assert shown <= labels, panel["title"]


def test_its_panels_ask_where_grafana_is_told_to_look(dashboard: dict[str, Any]) -> None:
    provisioned = YAML(typ="safe").load(
        GRAFANA / "provisioning" / "datasources" / "glideslope.yaml"
    )["datasources"]
    there = {(each["type"], each["uid"]) for each in provisioned}
    for panel in dashboard["panels"]:
        assert (panel["datasource"]["type"], panel["datasource"]["uid"]) in there, panel["title"]


def test_no_two_panels_lie_over_each_other(dashboard: dict[str, Any]) -> None:
    cells = [
        (column, row)
        for place in (panel["gridPos"] for panel in dashboard["panels"])
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def again(read: dict[str, Any]) -> Any:
    return json.loads(json.dumps(Dashboard.from_json(read), cls=JSONEncoder))


def lost(before: Any, after: Any, where: str = "") -> list[str]:
    """Return the places of `before` that are not in `after`, or are something else."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            place
            for name, each in before.items()
            for place in lost(each, after.get(name), f"{where}.{name}" if where else name)
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [place for number, (a, b) in pairs for place in lost(a, b, f"{where}[{number}]")]
    return [] if before == after else [where]
