"""Everything that the chart renders, against schemas, rules and what others hold to be safe."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.k8s import tools
from tests.unit.deploy.helm.rendering import CASES, CHART, template, text

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

CA = ("kafka.external.ca.secret=ca", "kafka.external.ca.key=root.pem")
WAY_TO_S3 = (
    *("audit.s3.bucket=logs", "audit.egress[0].reason=the bucket"),
    *("audit.egress[0].to[0].ipBlock.cidr=10.0.0.0/8", "audit.egress[0].ports[0]=443"),
)
VARIANTS: dict[str, tuple[str, ...]] = {
    "certificates, KEDA": ("kafka.external.authentication=tls", "autoscaling.kind=keda", *CA),
    "certificates, CPU": ("kafka.external.authentication=tls",),
    "no login, KEDA": ("kafka.external.authentication=none", "autoscaling.kind=keda"),
    "no login, an authority, KEDA": (
        *("kafka.external.authentication=none", "autoscaling.kind=keda", *CA),
    ),
    "passwords, KEDA": ("autoscaling.kind=keda", *CA),
    "a metric of the lag": ("autoscaling.hpa.lagMetric=lag",),
    "nobody scales": ("autoscaling.kind=none", "pods.preStopSeconds=0"),
    "no policies": ("networkPolicy.enabled=false",),
    "volumes for inference": ("inference.persistence.enabled=true",),
    "no jobs": ("kafka.external.createTopics=false", "review.migration.enabled=false"),
    "a bucket": WAY_TO_S3,
    "monitored": (
        *("monitoring.serviceMonitor.enabled=true", "monitoring.prometheusRule.enabled=true"),
    ),
    "other names": (
        *("kafka.topicPrefix=A_b.", "fullnameOverride=x", "nameOverride=gs2"),
        *("commonLabels.team=z", "ingest.serviceAccount.create=false"),
        *("ingest.serviceAccount.name=mine", "audit.volume.existingClaim=mine"),
    ),
    "several of audit": ("autoscaling.kind=keda", "audit.autoscaling.maxReplicas=3"),
    "strimzi: certificates": ("kafka.strimzi.authentication=tls",),
    "strimzi: a cluster that is there": (
        *("kafka.strimzi.createCluster=false", "kafka.strimzi.cluster=k"),
    ),
    "strimzi: one of each": (
        *("kafka.strimzi.version=4.1.0", "kafka.strimzi.brokers.storage.class=x"),
        *("kafka.replicationFactor=1", "kafka.strimzi.brokers.replicas=1"),
        "kafka.strimzi.controllers.replicas=1",
    ),
    "strimzi: a listener": (
        *("kafka.strimzi.listeners[0].name=ext", "kafka.strimzi.listeners[0].port=9094"),
        *("kafka.strimzi.listeners[0].type=loadbalancer", "kafka.strimzi.listeners[0].tls=true"),
    ),
    "aws: CPU": ("autoscaling.kind=hpa",),
    "aws: volumes for inference": ("inference.persistence.enabled=true",),
    "aws: no page": ("review.ingress.enabled=false",),
}
"""Ways that templates can take and no set of values in `ci` does; of `external`, if not said."""


def variant(name: str) -> str:
    """Return what is rendered of a variant."""
    of, colon, _ = name.partition(": ")
    told = (word for each in VARIANTS[name] for word in ("--set", each))
    rendered = template(of if colon else "external", *told)
    assert rendered.returncode == 0, f"{name}: {rendered.stderr}"
    return rendered.stdout


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_as_its_schema_says(case: str) -> None:
    told = conform(text(case))
    assert told["summary"]["valid"] > 20


def test_every_object_of_other_values_is_as_its_schema_says() -> None:
    told = conform("\n---\n".join(map(variant, VARIANTS)))
    assert told["summary"]["valid"] > 20 * len(VARIANTS)


def conform(manifests: str) -> Any:
    """Return what kubeconform says of manifests, which are all known and valid."""
    names = (
        "{{.ResourceKind}}{{.KindSuffix}}",
        "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}",
    )
    ways = [
        word for name in names for word in ("-schema-location", f"{tools.schemas()}/{name}.json")
    ]
    ran = subprocess.run(
        [tools.kubeconform(), "-strict", "-summary", "-output=json", *ways],
        input=manifests,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(ran.stdout)
    assert ran.returncode == 0, told["resources"]
    assert told["summary"]["skipped"] == 0
    return told


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
