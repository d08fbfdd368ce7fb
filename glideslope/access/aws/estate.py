"""What a deployment has on AWS, as far as policies name it."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict


class Estate(BaseModel):
    """Names and ARNs of one deployment's resources, in one account and region.

    Terraform's output `estate` has them (deploy/terraform/examples/complete).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    partition: str = "aws"
    """Partition of AWS: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`."""
    region: str
    account: str
    deployment: str
    """GLIDESLOPE_DEPLOYMENT."""
    topic_prefix: str = ""
    """GLIDESLOPE_TOPIC_PREFIX."""
    kafka_cluster: str
    """Name of the MSK cluster."""
    kafka_cluster_uuid: str
    """What AWS put after that name in ARNs."""
    audit_bucket: str
    audit_prefix: str = "audit"
    """GLIDESLOPE_AUDIT_S3_PREFIX: what the paths of the logs in the bucket begin with."""
    audit_key: str
    """ARN of the KMS key that S3 encrypts the bucket with."""
    master_key: str
    """ARN of the KMS key that wraps the keys of persons."""
    secrets_key: str
    """ARN of the KMS key that Secrets Manager encrypts with."""

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


_PLACES: Final[Mapping[str, str]] = {name: f"${{{name}}}" for name in Estate.model_fields}
TEMPLATE: Final = Estate(**_PLACES)
"""The estate of nobody yet: each value is the place where Terraform's `templatefile` puts one."""
