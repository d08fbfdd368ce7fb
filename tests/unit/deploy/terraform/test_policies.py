"""The policies that Terraform attaches: what each principal needs is allowed, what must fail does.

That they are those that the declarations make is tests/contract/test_documents.py's.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from glideslope.access.aws.estate import Estate
from tests.iam import Request, allowed

ESTATE = Estate(
    region="eu-central-1",
    account="123456789012",
    deployment="glideslope",
    kafka_cluster="glideslope",
    kafka_cluster_uuid="0f5c-7",
    audit_bucket="logs",
    audit_key="arn:aws:kms:eu-central-1:123456789012:key/audit",
    master_key="arn:aws:kms:eu-central-1:123456789012:key/master",
    secrets_key="arn:aws:kms:eu-central-1:123456789012:key/secrets",
)
TEMPLATES = Path(__file__).parents[4] / "deploy" / "terraform" / "modules" / "rights" / "policies"
MSK = "arn:aws:kafka:eu-central-1:123456789012"
SECRETS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:glideslope"
SERVICES = ("audit", "inference", "ingest", "review", "validator")
EVERYBODY = (*SERVICES, "installer", "scaler", "fetcher", "auditor", "releaser", "witness")

TILE = "arn:aws:s3:::logs/audit/0/tile/0/000"
CHECKPOINT = "arn:aws:s3:::logs/audit/0/checkpoint"
COSIGNATURE = "arn:aws:s3:::logs/audit/0/cosignatures/ab12"
CREATE = {"s3:if-none-match": "*"}
LOCK = {**CREATE, "s3:object-lock-mode": "COMPLIANCE"}
THROUGH_S3 = {
    "kms:ViaService": "s3.eu-central-1.amazonaws.com",
    "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::logs",
}
PERSON = {"kms:EncryptionContext:glideslope": "k1", "kms:EncryptionContextKeys": ["glideslope"]}


FORBIDDEN: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("s3:DeleteObject", TILE, {}),
    ("s3:DeleteObjectVersion", TILE, {}),
    ("s3:BypassGovernanceRetention", TILE, {}),
    ("s3:PutObject", TILE, {}),  # over what is there
    ("s3:PutObject", "arn:aws:s3:::logs/elsewhere/0/tile/0/000", CREATE),
    ("s3:PutObject", "arn:aws:s3:::other/audit/0/tile/0/000", CREATE),
    ("s3:PutObjectRetention", TILE, {"s3:object-lock-mode": "GOVERNANCE"}),
    ("s3:GetObject", "arn:aws:s3:::logs/elsewhere/x", {}),
    ("s3:ListBucket", "arn:aws:s3:::logs", {"s3:prefix": "elsewhere/"}),
    ("s3:PutBucketPolicy", "arn:aws:s3:::logs", {}),
    ("s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::logs", {}),
    ("s3:PutLifecycleConfiguration", "arn:aws:s3:::logs", {}),
    ("s3:PutBucketVersioning", "arn:aws:s3:::logs", {}),
    ("kms:ScheduleKeyDeletion", ESTATE.master_key, {}),
    ("kms:PutKeyPolicy", ESTATE.master_key, {}),
    ("kms:CreateGrant", ESTATE.audit_key, {}),
    ("kms:Decrypt", ESTATE.master_key, {}),  # without a context
    ("kms:Decrypt", ESTATE.master_key, {"kms:EncryptionContextKeys": ["other"]}),
    (
        "kms:Decrypt",
        ESTATE.master_key,
        {**PERSON, "kms:EncryptionContextKeys": ["glideslope", "other"]},
    ),
    ("kms:Decrypt", ESTATE.audit_key, {}),  # not through S3
    ("kms:Decrypt", ESTATE.audit_key, PERSON),
    ("kms:Decrypt", ESTATE.secrets_key, {}),
    (
        "kms:Decrypt",
        ESTATE.audit_key,
        {**THROUGH_S3, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other"},
    ),
    ("kms:Decrypt", "arn:aws:kms:eu-central-1:123456789012:key/of-others", PERSON),
    ("secretsmanager:GetSecretValue", f"{SECRETS}/others/key-AbCdEf", {}),
    ("secretsmanager:GetSecretValue", f"{SECRETS}-2/audit/key-AbCdEf", {}),
    ("secretsmanager:PutSecretValue", f"{SECRETS}/audit/key-AbCdEf", {}),
    ("secretsmanager:DeleteSecret", f"{SECRETS}/review/key-AbCdEf", {}),
    ("kafka-cluster:WriteData", f"{MSK}:topic/glideslope/another/requests.accepted", {}),
    ("kafka-cluster:WriteData", f"{MSK}:topic/another/0f5c-7/requests.accepted", {}),
    ("kafka-cluster:ReadData", f"{MSK}:topic/glideslope/0f5c-7/of-others", {}),
    ("kafka-cluster:CreateTopic", f"{MSK}:topic/glideslope/0f5c-7/of-others", {}),
    ("kafka-cluster:DeleteTopic", f"{MSK}:topic/glideslope/0f5c-7/results", {}),
    ("kafka-cluster:AlterTopic", f"{MSK}:topic/glideslope/0f5c-7/results", {}),
    ("kafka-cluster:AlterCluster", f"{MSK}:cluster/glideslope/0f5c-7", {}),
    ("kafka-cluster:AlterGroup", f"{MSK}:group/glideslope/0f5c-7/of-others", {}),
    ("kafka-cluster:AlterTransactionalId", f"{MSK}:transactional-id/g/0/x", {}),
    ("bedrock:InvokeModel", "arn:aws:bedrock:eu-central-1::foundation-model/any", {}),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/administrator", {}),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/glideslope-audit", {}),
    ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/glideslope-audit", {}),
)
"""What nobody may, whatever else they may: action, resource, context."""


PERMITTED: Sequence[tuple[set[str], str, str, dict[str, Any]]] = (
    ({"audit"}, "s3:PutObject", TILE, LOCK),
    ({"installer"}, "kafka-cluster:CreateTopic", f"{MSK}:topic/glideslope/0f5c-7/requests", {}),
    ({"audit"}, "s3:PutObject", CHECKPOINT, {"s3:if-match": '"e1"'}),
    ({"audit"}, "s3:PutObjectRetention", TILE, LOCK),
    ({"audit", "auditor", "witness"}, "s3:GetObject", TILE, {}),
    ({"auditor", "witness"}, "s3:GetObjectVersion", TILE, {}),
    ({"auditor"}, "s3:GetObjectRetention", TILE, {}),
    ({"auditor"}, "s3:GetBucketObjectLockConfiguration", "arn:aws:s3:::logs", {}),
    # of a single object, so that what is not there is 404 and not 403; and of a log
    ({"audit", "auditor", "witness"}, "s3:ListBucket", "arn:aws:s3:::logs", {}),
    (
        {"audit", "auditor", "witness"},
        "s3:ListBucket",
        "arn:aws:s3:::logs",
        {"s3:prefix": "audit/0/"},
    ),
    ({"witness"}, "s3:PutObject", COSIGNATURE, {}),
    ({"audit", "auditor", "witness"}, "kms:Decrypt", ESTATE.audit_key, THROUGH_S3),
    ({"audit", "witness"}, "kms:GenerateDataKey", ESTATE.audit_key, THROUGH_S3),
    ({"audit"}, "kms:Decrypt", ESTATE.master_key, PERSON),
    ({"audit"}, "kms:GenerateDataKey", ESTATE.master_key, PERSON),
)
"""What these may and no others: who, action, resource, context."""


@cache
def documents(name: str, estate: Estate = ESTATE) -> tuple[dict[str, Any], ...]:
    """Return a principal's policies as `templatefile` of Terraform makes them."""
    made = []
    for path in sorted(TEMPLATES.glob(f"{name}.*.json.tftpl")):
        text = path.read_text(encoding="utf-8")
        for field, value in estate:
            text = text.replace(f"${{{field}}}", value)
        made.append(json.loads(text))
    return tuple(made)


def may(name: str, action: str, resource: str, context: dict[str, Any] | None = None) -> bool:
    return allowed(Request(action, resource, context or {}), *documents(name))


def secret_context(service: str) -> dict[str, Any]:
    return {
        "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com",
        "kms:EncryptionContext:SecretARN": f"{SECRETS}/{service}/api-AbCdEf",
    }


@pytest.mark.parametrize("name", EVERYBODY)
def test_results_are_written_by_audit_alone(name: str) -> None:
    results = f"{MSK}:topic/glideslope/0f5c-7/results"
    assert may(name, "kafka-cluster:WriteData", results) is (name == "audit")


@pytest.mark.parametrize("name", EVERYBODY)
def test_what_nobody_may(name: str) -> None:
    assert [each for each in FORBIDDEN if may(name, *each)] == []


def test_what_these_may_and_no_others() -> None:
    for who, action, resource, context in PERMITTED:
        able = {name for name in EVERYBODY if may(name, action, resource, context)}
        assert able == who, (action, resource, context)


@pytest.mark.parametrize("owner", SERVICES)
def test_a_secret_is_read_by_its_service_and_who_fetches_it_and_nobody_else(owner: str) -> None:
    secret = f"{SECRETS}/{owner}/api-AbCdEf"
    readers = {n for n in EVERYBODY if may(n, "secretsmanager:GetSecretValue", secret)}
    openers = {
        n for n in EVERYBODY if may(n, "kms:Decrypt", ESTATE.secrets_key, secret_context(owner))
    }
    assert readers == openers == {owner, "fetcher"}


def test_releases_are_written_by_those_who_create_and_promote_them() -> None:
    for topic, who in (("releases", {"installer", "releaser"}), ("routing", {"releaser"})):
        arn = f"{MSK}:topic/glideslope/0f5c-7/{topic}"
        assert {name for name in EVERYBODY if may(name, "kafka-cluster:WriteData", arn)} == who


def test_whoever_scales_looks_at_offsets_and_reads_no_record() -> None:
    requests = f"{MSK}:topic/glideslope/0f5c-7/requests"
    assert may("scaler", "kafka-cluster:Connect", f"{MSK}:cluster/glideslope/0f5c-7")
    assert may("scaler", "kafka-cluster:DescribeTopic", requests)
    assert may("scaler", "kafka-cluster:DescribeGroup", f"{MSK}:group/glideslope/0f5c-7/ingest")
    assert not may("scaler", "kafka-cluster:ReadData", requests)


@pytest.mark.parametrize("name", EVERYBODY)
def test_no_policy_has_a_wildcard_for_an_action_or_for_everything(name: str) -> None:
    for document in documents(name):
        for each in document["Statement"]:
            assert not any("*" in action for action in each["Action"]), each
            assert "*" not in each["Resource"], each


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_policy_fits_into_what_iam_takes(name: str) -> None:
    long = ESTATE.model_copy(
        update={
            "region": "ap-southeast-1",
            "kafka_cluster": "a-deployment-of-24-chars",
            "kafka_cluster_uuid": "12345678-1234-1234-1234-123456789012-12",
        }
    )
    for document in documents(name, long):
        assert len(json.dumps(document, separators=(",", ":"))) <= 6_144
