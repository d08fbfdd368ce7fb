"""What can be set for audit alone."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings


class AuditSettings(Settings):
    """The shared settings, and those of the logs."""

    audit_in_flight: int = Field(
        default=512,
        ge=1,
        description="Records that audit handles at once, in the place of "
        "`GLIDESLOPE_MAX_IN_FLIGHT`: they do nothing but wait to be written, and all that wait are "
        "written together.",
    )
    audit_lock_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Time to wait for the former writer of an audit log to leave, seconds.",
    )
    audit_new_log: bool = Field(
        default=False,
        description="Begin an audit log although one was begun before that is not here. Set it "
        "once, when that log is lost for good.",
    )
    audit_publish_seconds: float = Field(
        default=0.1,
        ge=0,
        description="Time until an entry of a log in a folder can be seen by everybody, at the "
        "most, seconds. It is durable, in the journal, before its result leaves.",
    )
    audit_master_key: SecretStr | None = Field(
        default=None,
        description="Key that encrypts the keys of the audit log: 32 bytes in base64. "
        "Not set: it is in a file.",
    )
    audit_master_key_file: Path | None = Field(
        default=None,
        description="File that holds that key. Not set: `keys/master.key` in the home folder.",
    )
    audit_generate_master_key: bool = Field(
        default=True,
        description="Make that key, and its file, where there are no keys yet. Set it to false in "
        "production, where the key is to come from a secret store.",
    )
    audit_keys_kms_key_id: str | None = Field(
        default=None,
        description="AWS KMS key (id, ARN or alias) that encrypts the keys of the audit log in the "
        "place of a master key of this machine.",
    )
    audit_keys_kms_endpoint: str | None = Field(
        default=None, description="Address of a KMS service other than that of AWS."
    )
    audit_s3_bucket: str | None = Field(
        default=None,
        description="S3 bucket that holds the audit logs. Not set: they are in the home folder. "
        "The journal of a log stays in the home folder, which must outlive the process.",
    )
    audit_s3_prefix: str = Field(
        default="audit", description="What the paths of the logs in that bucket begin with."
    )
    audit_s3_endpoint: str | None = Field(
        default=None, description="Address of an S3 service other than that of AWS."
    )
    audit_s3_retention_days: int | None = Field(
        default=None,
        ge=1,
        description="Days for which Object Lock keeps each object, in compliance mode. Not set: "
        "the bucket decides.",
    )
    audit_s3_kms_key_id: str | None = Field(
        default=None, description="KMS key that S3 encrypts with. Not set: the bucket decides."
    )

    @property
    def keys_folder(self) -> Path:
        """Where the keys of persons and of logs are."""
        return self.home / "keys"

    @property
    def master_key_file(self) -> Path:
        """Where the master key is, if it is in a file."""
        return self.audit_master_key_file or self.keys_folder / "master.key"

    def log_folder(self, partition: int) -> Path:
        """Where a partition's log is."""
        return self.home / "audit" / str(partition)
