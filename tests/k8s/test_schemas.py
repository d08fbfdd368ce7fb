"""Everything that the chart renders, against schemas, rules and what others hold to be safe."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.k8s import tools
from tests.unit.deploy.helm.rendering import CASES, CHART, text

ALERTS = Path(__file__).parent / "alerts.yaml"
# What checkov asks for and is not so, each with its reason.
ACCEPTED = {
    "CKV_K8S_15": "a tag is written once, `<service>.image.digest` pins one: IfNotPresent is sound",
    "CKV_K8S_43": "a digest is given by whoever deploys: `<service>.image.digest`",
    "CKV_K8S_11": "no limit of CPU: it would slow a drain down; memory is limited",
    "CKV_K8S_21": "the namespace is Helm's to say",
    "CKV_K8S_8": "Jobs and `helm test` end; services have the probe",
    "CKV_K8S_9": "as above",
}


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_as_its_schema_says(case: str) -> None:
    names = (
        "{{.ResourceKind}}{{.KindSuffix}}",
        "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}",
    )
    ways = [
        word for name in names for word in ("-schema-location", f"{tools.schemas()}/{name}.json")
    ]
    ran = subprocess.run(
        [tools.kubeconform(), "-strict", "-summary", "-output=json", *ways],
        input=text(case),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(ran.stdout)
    assert ran.returncode == 0, told["resources"]
    assert told["summary"]["skipped"] == 0
    assert told["summary"]["valid"] > 20


def test_checkov_finds_nothing_but_what_has_a_reason(tmp_path: Path) -> None:
    for case in CASES:
        if case != "laptop":  # has no network policies, and says so
            (tmp_path / f"{case}.yaml").write_text(text(case))
    ran = subprocess.run(
        [
            tools.checkov(),
            *("--directory", tmp_path, "--framework", "kubernetes", "--output", "json"),
            *("--skip-download", "--quiet", "--compact", "--skip-check", ",".join(ACCEPTED)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(ran.stdout)
    failed = {
        f"{each['check_id']} {each['check_name']}: {each['resource']}"
        for each in told["results"]["failed_checks"]
    }
    assert failed == set()
    assert told["summary"]["passed"] > 1_000


def test_alerts_sound_when_they_should_and_not_before(tmp_path: Path) -> None:
    rules = CHART / "files" / "alerts.yaml"
    tests = YAML(typ="safe").load(ALERTS)
    written = {
        alert["alert"]
        for group in YAML(typ="safe").load(rules)["groups"]
        for alert in group["rules"]
    }
    asked = set(re.findall(r"alertname: (\w+)", ALERTS.read_text()))
    assert asked == written, "each alert has a test"
    path = tmp_path / "tests.yaml"
    YAML().dump(tests | {"rule_files": [str(rules)]}, path)
    ran = subprocess.run(
        [tools.promtool(), "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
