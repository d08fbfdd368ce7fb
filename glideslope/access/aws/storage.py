"""What is kept on AWS beside Kafka: the audit logs in S3, their keys in KMS, and secrets.

Sources: the service authorization reference of Amazon S3, AWS KMS and AWS Secrets Manager; the S3
user guide on conditional writes, on Object Lock and on Bucket Keys.
"""

from collections.abc import Iterator
from typing import Final

from glideslope.access.aws.estate import Estate
from glideslope.access.aws.policy import Statement

_NEVER_OBJECTS: Final = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectLegalHold",
)
_NEVER_BUCKET: Final = (
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
)


def written_once(estate: Estate) -> Iterator[Statement]:
    """Yield what audit needs of its bucket: create, read and list below its prefix.

    An object is created only where there is none, as `services.audit.adapters.s3` asks for with
    `If-None-Match: *`; the checkpoint alone is replaced. What is locked is locked in compliance
    mode, which nobody can take back.
    """
    below = estate.bucket(f"{estate.audit_prefix}/*")
    yield Statement(
        "AuditCreate",
        ("s3:PutObject",),
        (below,),
        {"Null": {"s3:if-none-match": "false"}},
    )
    yield Statement(
        "AuditCheckpoint",
        ("s3:PutObject",),
        (estate.bucket(f"{estate.audit_prefix}/*/checkpoint"),),
    )
    yield Statement(
        "AuditLock",
        ("s3:PutObjectRetention",),
        (below,),
        {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}},
    )
    yield Statement("AuditRead", ("s3:GetObject",), (below,))
    yield _listing(estate, "s3:ListBucket")
    yield from never(estate)
    yield _through_s3(estate, "kms:Decrypt", "kms:GenerateDataKey")


def verified(estate: Estate) -> Iterator[Statement]:
    """Yield what `glideslope audit verify` needs of the bucket: every version, and its lock."""
    below = estate.bucket(f"{estate.audit_prefix}/*")
    read = ("s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion")
    yield Statement("AuditRead", read, (below,))
    yield _listing(estate, "s3:ListBucket", "s3:ListBucketVersions")
    configuration = ("s3:GetBucketObjectLockConfiguration",)
    yield Statement("AuditLockRead", configuration, (estate.bucket(),))
    yield from never(estate)
    yield _through_s3(estate, "kms:Decrypt")


def witnessed(estate: Estate) -> Iterator[Statement]:
    """Yield what `glideslope audit witness --publish` needs: to read, and to leave cosignatures."""
    below = estate.bucket(f"{estate.audit_prefix}/*")
    yield Statement("AuditRead", ("s3:GetObject", "s3:GetObjectVersion"), (below,))
    yield _listing(estate, "s3:ListBucket", "s3:ListBucketVersions")
    cosignatures = (estate.bucket(f"{estate.audit_prefix}/*/cosignatures/*"),)
    yield Statement("AuditCosign", ("s3:PutObject",), cosignatures)
    yield from never(estate)
    yield _through_s3(estate, "kms:Decrypt", "kms:GenerateDataKey")


def never(estate: Estate) -> Iterator[Statement]:
    """Yield what is denied whatever else allows it: deleting, and loosening the bucket's locks."""
    yield Statement("AuditKeep", _NEVER_OBJECTS, (estate.bucket("*"),), effect="Deny")
    yield Statement("AuditBucketKeep", _NEVER_BUCKET, (estate.bucket(),), effect="Deny")


def wrapped(estate: Estate) -> Iterator[Statement]:
    """Yield what audit needs of the KMS key that wraps the keys of persons.

    Only with the encryption context of `services.audit.adapters.kms`, and nothing beside it.
    """
    yield Statement(
        "AuditKeys",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        (estate.master_key,),
        {
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["glideslope"]},
            "StringLike": {"kms:EncryptionContext:glideslope": "*"},
        },
    )


def secrets(estate: Estate, *services: str) -> Iterator[Statement]:
    """Yield what it takes to read secrets of these services, `<deployment>/<service>/…`."""
    own = tuple(estate.secrets(service) for service in services)
    read = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    yield Statement("Secrets", read, own)
    yield Statement(
        "SecretsKey",
        ("kms:Decrypt",),
        (estate.secrets_key,),
        {
            "StringEquals": {"kms:ViaService": f"secretsmanager.{estate.region}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:SecretARN": list(own)},
        },
    )


def _listing(estate: Estate, *actions: str) -> Statement:
    # A request for one object has no prefix: without this right S3 says 403 where it means 404.
    condition = {"StringLikeIfExists": {"s3:prefix": f"{estate.audit_prefix}/*"}}
    return Statement("AuditList", actions, (estate.bucket(),), condition)


def _through_s3(estate: Estate, *actions: str) -> Statement:
    contexts = [
        estate.bucket(),
        estate.bucket(f"{estate.audit_prefix}/*"),
    ]  # with a Bucket Key, or none
    return Statement(
        "AuditBucketKey",
        actions,
        (estate.audit_key,),
        {
            "StringEquals": {"kms:ViaService": f"s3.{estate.region}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": contexts},
        },
    )
