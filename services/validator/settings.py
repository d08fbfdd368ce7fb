"""The validator's settings."""

from pydantic import Field

from shared.settings import Settings as SharedSettings


class Settings(SharedSettings):
    """Read from the environment: `GLIDESLOPE_…`."""

    thread_above_characters: int = Field(
        default=2_000,
        ge=0,
        description="Answers that, with their passages, are longer are checked in a thread.",
    )
