"""What a deployment has on AWS, as far as policies name it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estate:
    """Names and ARNs of one deployment's resources, in one account and region.

    `audit_key` is the KMS key that S3 encrypts the bucket with, `master_key` the one that wraps the
    keys of persons, `secrets_key` that of Secrets Manager. `audit_prefix` is what the paths of the
    logs in the bucket begin with.
    """

    partition: str
    region: str
    account: str
    deployment: str
    kafka_cluster: str
    kafka_cluster_uuid: str
    audit_bucket: str
    audit_prefix: str
    audit_key: str
    master_key: str
    secrets_key: str

    def kafka(self, kind: str, name: str = "") -> str:
        """Return the ARN of the Kafka cluster, or of a topic, group or transactional id on it."""
        path = f"{self.kafka_cluster}/{self.kafka_cluster_uuid}" + (f"/{name}" if name else "")
        return f"arn:{self.partition}:kafka:{self.region}:{self.account}:{kind}/{path}"

    def bucket(self, path: str = "") -> str:
        """Return the ARN of the audit bucket, or of objects in it."""
        return f"arn:{self.partition}:s3:::{self.audit_bucket}" + (f"/{path}" if path else "")

    def secrets(self, service: str) -> str:
        """Return the ARN of a service's own secrets; AWS appends six characters to each name."""
        return (
            f"arn:{self.partition}:secretsmanager:{self.region}:{self.account}"
            f":secret:{self.deployment}/{service}/*"
        )
