"""What the modules without a provider tell, applied for real: sizes, and the chart's values."""

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from glideslope.sizing import Demand, Size
from shared import topics
from tests.terraform import applying, modules
from tests.unit.deploy.helm import rendering

ZONES = 3
BUILT: dict[str, Any] = {
    "deployment": "glideslope",
    "region": "eu-central-1",
    "registry": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/glideslope",
    "bootstrap_servers": "b-1.msk.example:9098,b-2.msk.example:9098",
    "partitions": 6,  # of a pilot, and fewer than the chart's own most replicas
    "most_replicas": 4,
    "replication_factor": 3,
    "isolated_cidrs": ["10.40.0.0/19", "10.40.32.0/19"],
    "s3_cidrs": ["3.5.136.0/22"],
    "model_providers": {"bedrock": {"kind": "bedrock", "region": "eu-central-1"}},
    "secrets": ["review/database", "review/oidc"],
    "audit_bucket": "glideslope-audit",
    "retention_days": 7,
    "audit_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/1",
    "master_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/2",
    "volume_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/3",
}

pytestmark = pytest.mark.skipif(
    applying.TERRAFORM is None, reason="Terraform is not on this machine"
)


def module(name: str, scratch: Path) -> applying.Module:
    return applying.Module(modules.ROOT / "modules" / name, scratch)


@pytest.mark.parametrize("questions", [10_000, 100_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize(("peak", "seconds"), [(10, 2), (5, 8), (20, 0)])
def test_what_is_built_is_what_the_command_says(
    tmp_path: Path, questions: int, peak: float, seconds: float
) -> None:
    size = Size(replace(Demand(questions), peak=peak, model_seconds=seconds))
    built = module("capacity", tmp_path).outputs(
        questions_per_day=questions, zones=ZONES, peak_factor=peak, model_seconds=seconds
    )
    assert built["replicas"] == max(size.replicas.values())
    assert built["partitions"] == size.partitions
    assert built["brokers"] == ceil(size.brokers / ZONES) * ZONES, "MSK has as many in each zone"
    held = len(topics.ALL) * built["partitions"] * size.rules.copies
    assert held <= size.rules.broker_partitions * built["brokers"]
    gib = size.topics_gb * 1e9 / 1024**3
    assert built["volume_gib"] * built["brokers"] >= gib, "the volumes hold what topics keep"


@pytest.fixture(scope="module", params=[False, True], ids=["isolated", "with-egress"])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What is told of a deployment, `rendered` by the chart besides, as the pages say."""
    scratch = tmp_path_factory.mktemp("values")
    outputs = module("values", scratch).outputs(**BUILT, internet_egress=request.param)
    (scratch / "aws.yaml").write_text(outputs["values"], encoding="utf-8")
    chart = ("glideslope", str(rendering.CHART), "-n", "glideslope", "-f", scratch / "aws.yaml")
    ran = rendering.run("template", *map(str, chart))
    assert ran.returncode == 0, ran.stderr
    yaml = YAML(typ="safe")
    return {
        "egress": request.param,
        "values": yaml.load(outputs["values"]),
        "manifests": list(yaml.load_all(outputs["manifests"])),
        "rendered": [each for each in yaml.load_all(ran.stdout) if each],
    }


def of_kind(told: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in told["rendered"] if each["kind"] == kind]


def test_pods_have_the_service_accounts_that_roles_are_for(told: dict[str, Any]) -> None:
    accounts = modules.named(modules.ROOT / "modules" / "rights", "variable")["service_accounts"]
    outside = {"fetcher", "scaler"}
    wanted = {name for who, name in accounts["default"].items() if who not in outside}
    assert {each["metadata"]["name"] for each in of_kind(told, "ServiceAccount")} == wanted


def test_audits_volume_is_of_the_class_under_the_deployments_key(told: dict[str, Any]) -> None:
    [storage] = [each for each in told["manifests"] if each["kind"] == "StorageClass"]
    [claim] = of_kind(told, "PersistentVolumeClaim")
    assert claim["spec"]["storageClassName"] == storage["metadata"]["name"]
    assert storage["parameters"]["kmsKeyId"] == BUILT["volume_key_arn"]


def test_secrets_come_from_the_store_that_is_there(told: dict[str, Any]) -> None:
    [store] = [each for each in told["manifests"] if each["kind"] == "ClusterSecretStore"]
    made = of_kind(told, "ExternalSecret")
    for each in made:
        assert each["spec"]["secretStoreRef"]["name"] == store["metadata"]["name"]
    fetched = {item["remoteRef"]["key"] for each in made for item in each["spec"]["data"]}
    assert fetched == {f"glideslope/{name}" for name in BUILT["secrets"]}


def test_audit_reaches_s3_where_its_gateway_endpoint_leads(told: dict[str, Any]) -> None:
    [policy] = [
        each
        for each in of_kind(told, "NetworkPolicy")
        if each["metadata"]["name"] == "glideslope-audit"
    ]
    reached = {
        (peer["ipBlock"]["cidr"], port["port"])
        for way in policy["spec"]["egress"]
        for peer in way["to"]
        if "ipBlock" in peer
        for port in way["ports"]
    }
    assert ("3.5.136.0/22", 443) in reached
    assert ("169.254.170.23/32", 80) in reached
    assert {("10.40.0.0/19", 443), ("10.40.0.0/19", 9098)} <= reached


def test_review_alone_is_on_the_nodes_with_a_way_out(told: dict[str, Any]) -> None:
    placed = {
        each["metadata"]["name"]
        for kind in rendering.WORKLOADS
        for each in of_kind(told, kind)
        if each["spec"]["template"]["spec"].get("nodeSelector")
        and each["spec"]["template"]["spec"].get("tolerations")
    }
    assert placed == ({"glideslope-review"} if told["egress"] else set())
