"""What audit and its verifier really ask of S3 and KMS (moto's) is what their policies allow."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import boto3
import pytest

from glideslope.audit.bucket import BucketObjects
from glideslope.audit.verification import Verification
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.kms import KmsMaster
from services.audit.adapters.s3 import S3Storage
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from tests.iam import Request, allowed
from tests.unit.deploy.terraform.test_modules import KEY, bucket_policy
from tests.unit.deploy.terraform.test_policies import ESTATE, documents

DAYS: Final = 7
HEADERS: Final = {
    "IfNoneMatch": "s3:if-none-match",
    "IfMatch": "s3:if-match",
    "ObjectLockMode": "s3:object-lock-mode",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
}
ACTIONS: Final = {
    "PutObject": "s3:PutObject",
    "GetObject": "s3:GetObject",
    "GetObjectRetention": "s3:GetObjectRetention",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
}
"""What S3 asks of IAM for each call; any other call fails the test."""


class Recorder:
    """Keeps what clients send, as IAM would be asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def s3(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.s3", self._asked_s3)

    def kms(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.kms", self._asked_kms)

    def _asked_s3(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        key = f"/{params['Key']}" if "Key" in params else ""
        context = {HEADERS[name]: str(params[name]) for name in HEADERS if name in params}
        if "Prefix" in params:
            context["s3:prefix"] = params["Prefix"]
        if "ObjectLockRetainUntilDate" in params:
            left = params["ObjectLockRetainUntilDate"] - datetime.now(UTC)
            context["s3:object-lock-remaining-retention-days"] = str(left.days + 1)
        action = ACTIONS[model.name]
        if "VersionId" in params and action == "s3:GetObject":
            action = "s3:GetObjectVersion"
        self.requests.append(Request(action, f"arn:aws:s3:::logs{key}", context))
        if "ObjectLockMode" in params:
            self.requests.append(
                Request("s3:PutObjectRetention", f"arn:aws:s3:::logs{key}", context)
            )

    def _asked_kms(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        given = params.get("EncryptionContext", {})
        context = {f"kms:EncryptionContext:{name}": value for name, value in given.items()}
        keys = {"kms:EncryptionContextKeys": list(given)}
        self.requests.append(Request(f"kms:{model.name}", ESTATE.master_key, {**context, **keys}))


def refused(recorder: Recorder, name: str, *, role: str) -> list[Request]:
    """Return what the policies of `name` and the bucket's would not let through."""
    tls = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:PrincipalArn": role}
    return [
        each
        for each in recorder.requests
        if not allowed(
            Request(each.action, each.resource, {**each.context, **tls}),
            *documents(name),
            resource=[bucket_policy()] if each.action.startswith("s3:") else [],
        )
    ]


@pytest.fixture
def bucket(aws: str) -> str:
    name = f"logs-{uuid4()}"
    client = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client.close()
    return name


def test_audit_writes_and_its_verifier_reads_with_their_policies_alone(
    aws: str, bucket: str, tmp_path: Path
) -> None:
    audit = Recorder()
    client = boto3.client("kms", endpoint_url=aws)
    master = KmsMaster(client.create_key()["KeyMetadata"]["KeyId"], endpoint_url=aws)
    client.close()
    audit.kms(master._client)
    keys = LocalKeys(tmp_path / "keys", master)
    storage = S3Storage(bucket, "audit/0", endpoint_url=aws, retention_days=DAYS, kms_key_id=KEY)
    audit.s3(storage._client)
    store = open_store(tmp_path / "local", "glideslope/0", keys, storage=storage)
    entries = [Entry(Position("c", "t", 0, i, i), None, (), b"%d" % i) for i in range(300)]
    store.append(entries[:200])
    store.append(entries[200:])
    list(storage.list("tile/"))
    store.close()
    keys.close()

    asked = {each.action for each in audit.requests}
    assert asked >= {
        "kms:GenerateDataKey",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "s3:PutObjectRetention",
    }
    own = f"arn:aws:iam::{ESTATE.account}:role/glideslope-audit"
    assert refused(audit, "audit", role=own) == []

    auditor = Recorder()
    objects = BucketObjects(bucket, "audit/0", endpoint_url=aws, retention_days=DAYS)
    auditor.s3(objects._client)
    report = Verification(objects).run()
    objects.close()
    assert report.size == 300
    assert {each.action for each in auditor.requests} >= {"s3:GetObjectVersion"}
    other = f"arn:aws:iam::{ESTATE.account}:role/glideslope-auditor"
    assert refused(auditor, "auditor", role=other) == []
    # what one may, the other may not
    assert refused(audit, "auditor", role=own) != []


@pytest.mark.parametrize(
    "call",
    [
        lambda client, bucket: client.put_object(Bucket=bucket, Key="audit/0/tile/0/000", Body=b""),
        lambda client, bucket: client.put_object(
            Bucket=bucket, Key="elsewhere", Body=b"", IfNoneMatch="*"
        ),
    ],
)
def test_what_audit_never_asks_would_be_refused(
    aws: str, bucket: str, call: Callable[[Any, str], Any]
) -> None:
    recorder = Recorder()
    client = boto3.client("s3", endpoint_url=aws)
    recorder.s3(client)
    call(client, bucket)
    client.close()
    own = f"arn:aws:iam::{ESTATE.account}:role/glideslope-audit"
    assert refused(recorder, "audit", role=own) == recorder.requests
