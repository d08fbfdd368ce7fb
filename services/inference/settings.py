"""The settings of inference: where its index is, and whether faults are planted."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings


class InferenceSettings(Settings):
    """The shared settings, and those of inference."""

    qdrant_url: str | None = Field(
        default=None,
        description="Qdrant server that holds the index; not set, each process has its own.",
    )
    qdrant_api_key: SecretStr | None = Field(
        default=None, description="API key of the Qdrant server."
    )
    qdrant_collection: str = Field(
        default="passages",
        min_length=1,
        description="Collection on the Qdrant server, after `GLIDESLOPE_TOPIC_PREFIX`.",
    )
    qdrant_timeout_seconds: int = Field(
        default=10, ge=1, description="Time that the Qdrant server has for an answer, seconds."
    )
    index_folder: Path | None = Field(
        default=None,
        description="Folder of the processes' own indexes; not set, `index` in the home folder.",
    )
    planted_faults: bool = Field(
        default=False,
        description="For demonstrations only: alter a number in the answer to a request whose "
        "metadata asks for it with `planted_fault`.",
    )
