"""What the Terraform modules mean, read from their text: no provider, no cloud."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from glideslope.sizing import Demand, Measured, Rules
from shared import topics
from tests.iam import Request, allowed
from tests.terraform import modules

FOLDERS = modules.folders()
MODULES = modules.ROOT / "modules"
AUDIT_ROLE = "arn:aws:iam::123456789012:role/glideslope-audit"
WITNESS_ROLE = "arn:aws:iam::210987654321:role/witness"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/audit"
OBJECT = "arn:aws:s3:::logs/audit/0/tile/0/000"


def name(folder: Path) -> str:
    return folder.name


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_every_variable_and_output_is_described_and_every_variable_typed(folder: Path) -> None:
    for variable, each in modules.named(folder, "variable").items():
        assert len(each["description"]) > 10 and each["type"], variable  # noqa: PT018 - one thing
    for output, each in modules.named(folder, "output").items():
        assert len(each["description"]) > 10, output


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_modules_page_is_as_the_module_is(folder: Path) -> None:
    page = folder / "README.md"
    assert page.exists(), "run `make docs`"
    assert page.read_text(encoding="utf-8") == modules.readme(folder), "run `make docs`"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_every_variable_is_used(folder: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.tf"))
    for variable, each in modules.named(folder, "variable").items():
        own = str(each.get("validation", ""))
        assert len(re.findall(rf"\bvar\.{variable}\b", text)) > own.count(f"var.{variable}"), (
            variable
        )


# ── the network ───────────────────────────────────────────────────────────────────────────────


def test_the_isolated_subnets_have_one_route_table_and_nothing_adds_a_route_to_it() -> None:
    associations = modules.resources(MODULES / "network", "aws_route_table_association")
    assert associations["isolated"]["route_table_id"] == "${aws_route_table.isolated.id}"
    for each in modules.resources(MODULES / "network", "aws_route").values():
        assert "isolated" not in each["route_table_id"]
    [table] = [
        each
        for name, each in modules.resources(MODULES / "network", "aws_route_table").items()
        if name == "isolated"
    ]
    assert "route" not in table
    # nor does any other module
    for folder in FOLDERS:
        if folder.name != "network":
            assert not modules.resources(folder, "aws_route")
            assert not modules.resources(folder, "aws_internet_gateway")


def test_brokers_database_and_inferences_nodes_are_in_isolated_subnets() -> None:
    used = modules.named(modules.ROOT / "examples" / "complete", "module")
    isolated = "${module.network.isolated_subnet_ids}"
    assert used["kafka"]["subnet_ids"] == isolated
    assert used["database"]["subnet_ids"] == isolated
    assert used["cluster"]["isolated_subnet_ids"] == isolated


def test_nothing_but_the_way_out_is_open_to_the_world() -> None:
    opened = [
        (folder.name, name)
        for folder in FOLDERS
        for name, each in modules.resources(folder, "aws_vpc_security_group_ingress_rule").items()
        if "0.0.0.0/0" in json.dumps(each) or "::/0" in json.dumps(each)
    ]
    assert opened == []
    # rules stand alone: those inside of a group would not be seen above
    for folder in FOLDERS:
        for each in modules.resources(folder, "aws_security_group").values():
            assert not {"ingress", "egress"} & set(each)


# ── the audit bucket ──────────────────────────────────────────────────────────────────────────


def bucket_policy() -> dict[str, Any]:
    """Return the bucket's policy with values in the place of expressions."""
    values = {
        "${local.arn}": "arn:aws:s3:::logs",
        "${local.objects}": "arn:aws:s3:::logs/*",
        "${var.key_arn}": KEY,
        "${tostring(var.retention_days + 1)}": "8",
        "${concat([var.audit_role_arn], var.witness_arns)}": [AUDIT_ROLE, WITNESS_ROLE],
    }

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, str):
            for expression, said in values.items():
                if value == expression:
                    return said
                if isinstance(said, str):
                    value = value.replace(expression, said)
            assert "${" not in value, f"an expression that this test does not know: {value}"
        return value

    [statements] = [
        block["statements"]
        for block in modules.parsed(MODULES / "audit")["locals"]
        if "statements" in block
    ]
    return {"Version": "2012-10-17", "Statement": filled(statements)}


EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
AS_AUDIT = {
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
    "aws:PrincipalArn": AUDIT_ROLE,
}
CREATED = {
    **AS_AUDIT,
    "s3:if-none-match": "*",
    "s3:object-lock-mode": "COMPLIANCE",
    "s3:object-lock-remaining-retention-days": "7",
    "s3:x-amz-server-side-encryption": "aws:kms",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY,
}


def without(context: dict[str, str], *keys: str) -> dict[str, str]:
    return {key: value for key, value in context.items() if key not in keys}


@pytest.mark.parametrize(
    ("action", "context"),
    [
        ("s3:PutObject", CREATED),
        ("s3:PutObjectRetention", CREATED),
        # what is not said is the bucket's default, which is right
        (
            "s3:PutObject",
            without(
                CREATED,
                "s3:object-lock-mode",
                "s3:object-lock-remaining-retention-days",
                "s3:x-amz-server-side-encryption",
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
            ),
        ),
        ("s3:GetObject", AS_AUDIT),
    ],
)
def test_the_bucket_lets_audit_create_and_read(action: str, context: dict[str, str]) -> None:
    assert allowed(Request(action, OBJECT, context), EVERYTHING, resource=[bucket_policy()])


@pytest.mark.parametrize("path", ["audit/0/checkpoint", "audit/0/cosignatures/ab12"])
def test_the_bucket_lets_a_checkpoint_and_a_cosignature_be_replaced(path: str) -> None:
    request = Request("s3:PutObject", f"arn:aws:s3:::logs/{path}", AS_AUDIT)
    assert allowed(request, EVERYTHING, resource=[bucket_policy()])


@pytest.mark.parametrize(
    ("action", "context"),
    [
        ("s3:GetObject", {**AS_AUDIT, "aws:SecureTransport": "false"}),
        ("s3:GetObject", {**AS_AUDIT, "s3:TlsVersion": "1.1"}),
        ("s3:PutObject", without(CREATED, "s3:if-none-match")),
        ("s3:PutObject", {**CREATED, "aws:PrincipalArn": "arn:aws:iam::123456789012:role/admin"}),
        ("s3:PutObject", {**CREATED, "aws:PrincipalArn": "arn:aws:iam::123456789012:root"}),
        ("s3:PutObject", {**CREATED, "s3:object-lock-mode": "GOVERNANCE"}),
        ("s3:PutObject", {**CREATED, "s3:x-amz-server-side-encryption": "AES256"}),
        (
            "s3:PutObject",
            {**CREATED, "s3:x-amz-server-side-encryption-aws-kms-key-id": f"{KEY}-2"},
        ),
        ("s3:PutObjectRetention", {**CREATED, "s3:object-lock-remaining-retention-days": "9"}),
        ("s3:DeleteObject", AS_AUDIT),
        ("s3:DeleteObjectVersion", AS_AUDIT),
        ("s3:BypassGovernanceRetention", AS_AUDIT),
    ],
)
def test_the_bucket_refuses_whatever_a_role_allows(action: str, context: dict[str, str]) -> None:
    assert not allowed(Request(action, OBJECT, context), EVERYTHING, resource=[bucket_policy()])


def test_the_bucket_is_versioned_locked_encrypted_and_never_public() -> None:
    def only(type_: str) -> Any:
        return modules.resources(MODULES / "audit", type_)["this"]

    assert only("aws_s3_bucket")["object_lock_enabled"] is True
    assert only("aws_s3_bucket")["force_destroy"] is False
    assert only("aws_s3_bucket")["lifecycle"][0]["prevent_destroy"] is True
    [lock] = only("aws_s3_bucket_object_lock_configuration")["rule"][0]["default_retention"]
    assert lock["mode"] == "COMPLIANCE"
    block = only("aws_s3_bucket_public_access_block")
    assert all(value for key, value in block.items() if key != "bucket")
    # every version of a checkpoint is verified: none may expire
    rules = only("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert not {"expiration", "noncurrent_version_expiration"} & {k for rule in rules for k in rule}


# ── the rest ──────────────────────────────────────────────────────────────────────────────────


def test_kafka_takes_tls_with_iam_and_nothing_else() -> None:
    cluster = modules.resources(MODULES / "kafka", "aws_msk_cluster")["this"]
    [login] = cluster["client_authentication"]
    assert login["unauthenticated"] is False
    assert login["sasl"][0] == {"iam": True, "scram": False}
    [encryption] = cluster["encryption_info"]
    assert encryption["encryption_in_transit"][0] == {"client_broker": "TLS", "in_cluster": True}


def test_what_is_built_is_planned_with_what_the_command_plans_with() -> None:
    """That the arithmetic is the same, too, is tests/terraform's, which has Terraform."""
    known = {name: each["default"] for name, each in variables("capacity") if "default" in each}
    measured, rules, demand = Measured(), Rules(), Demand(1)
    assert known["cpu_ms"] == measured.cpu_ms
    assert known["partition_steps"] == list(rules.partition_steps)
    for name, planned in {
        "peak_factor": demand.peak,
        "model_seconds": demand.model_seconds,
        "passages_kib": demand.passages_kib,
        "broker_ms": measured.broker_ms,
        "kafka_kib": measured.kafka_kib,
        "passages_travel": measured.passages_travel,
        "busy": rules.busy,
        "least_replicas": rules.least_replicas,
        "max_in_flight": rules.slots,
        "headroom": rules.headroom,
        "copies": rules.copies,
        "broker_vcpu": rules.broker_vcpu,
        "broker_partitions": rules.broker_partitions,
        "retention_days": rules.days_kept,
        "topics": len(topics.ALL),
    }.items():
        assert known[name] == planned, name


def test_nodes_run_what_the_release_builds() -> None:
    release = (modules.ROOT.parents[1] / ".github" / "workflows" / "release.yml").read_text("utf-8")
    [architecture] = [
        each["default"] for name, each in variables("cluster") if name == "architecture"
    ]
    assert architecture == "x86_64" or "linux/arm64" in release


def variables(module: str) -> Iterable[tuple[str, Any]]:
    return modules.named(MODULES / module, "variable").items()


def test_what_holds_data_cannot_be_destroyed_by_a_plan() -> None:
    for module, type_ in (
        ("audit", "aws_s3_bucket"),
        ("database", "aws_db_instance"),
        ("kafka", "aws_msk_cluster"),
        ("keys", "aws_kms_key"),
    ):
        resource = modules.resources(MODULES / module, type_)["this"]
        assert resource["lifecycle"][0]["prevent_destroy"] is True, type_


def test_no_secret_is_in_a_state() -> None:
    for folder in FOLDERS:
        assert not modules.resources(folder, "aws_secretsmanager_secret_version")
        assert not modules.resources(folder, "random_password")
        for each in modules.resources(folder, "aws_db_instance").values():
            assert "password" not in each


def test_every_exception_of_checkov_has_its_reason() -> None:
    for path in modules.ROOT.rglob("*.tf"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "checkov:skip" in line:
                assert re.search(r"checkov:skip=CKV2?_AWS_\d+:.{20,}", line), f"{path.name}: {line}"
