"""The settings of ingest: which release requests are pinned to, and what is remembered."""

from pydantic import Field

from shared.release import BUILT_IN
from shared.settings import Settings


class IngestSettings(Settings):
    """The shared settings, and those of ingest."""

    release: str = Field(
        default=BUILT_IN.content_hash(),
        pattern=r"^[0-9a-f]{64}$",
        description="Content hash of the release that accepted requests are pinned to while "
        "`glideslope release promote` has promoted none.",
    )
    record_max_bytes: int = Field(
        default=1024 * 1024,
        ge=1,
        description="Largest value of a submitted record, uncompressed, in bytes.",
    )
    duplicate_window_seconds: float = Field(
        default=24 * 60 * 60,
        gt=0,
        description="Time in which a second record of a request is a duplicate, in seconds.",
    )
    duplicate_window_requests: int = Field(
        default=100_000,
        ge=1,
        description="Requests that one partition remembers at the most, about 300 bytes each. "
        "Beyond that the oldest is forgotten: the window becomes shorter, and the log says "
        "how short.",
    )
