"""What can be set for audit alone."""

from pydantic import Field

from shared.settings import Settings


class AuditSettings(Settings):
    """The shared settings, and those of the logs."""

    audit_segment_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1,
        description="Size at which a new segment of an audit log is begun, in bytes.",
    )
    audit_lock_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Time to wait for the former writer of an audit log to leave, seconds.",
    )
