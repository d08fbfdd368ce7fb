"""Make the bucket of the audit logs, with Object Lock, and the key that theirs are wrapped with."""

import os

import boto3
from botocore.exceptions import ClientError


def main() -> None:
    """Make what is not there yet; what is stays as it is."""
    endpoint = os.environ["GLIDESLOPE_AUDIT_S3_ENDPOINT"]
    s3 = boto3.client("s3", endpoint_url=endpoint)
    try:
        s3.create_bucket(
            Bucket=os.environ["GLIDESLOPE_AUDIT_S3_BUCKET"],
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    kms = boto3.client("kms", endpoint_url=os.environ["GLIDESLOPE_AUDIT_KEYS_KMS_ENDPOINT"])
    alias = os.environ["GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID"]
    if alias not in {each["AliasName"] for each in kms.list_aliases()["Aliases"]}:
        kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


if __name__ == "__main__":
    main()
