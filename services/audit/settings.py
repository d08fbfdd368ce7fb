"""What can be set for audit alone."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings


class AuditSettings(Settings):
    """The shared settings, and those of the logs."""

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

    @property
    def keys_folder(self) -> Path:
        """Where the keys of persons and of logs are."""
        return self.home / "keys"

    def log_folder(self, partition: int) -> Path:
        """Where a partition's log is."""
        return self.home / "audit" / str(partition)
