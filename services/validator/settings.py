"""The validator's settings."""

from pydantic import Field

from services.validator.servers import JudgeServer
from shared.settings import Settings as SharedSettings


class Settings(SharedSettings):
    """Read from the environment: `GLIDESLOPE_…`."""

    thread_above_characters: int = Field(
        default=2_000,
        ge=0,
        description="Answers that, with their passages, are longer are checked in a thread.",
    )
    judges: dict[str, JudgeServer] = Field(
        default={},
        description="Where models run that judge answers, by the names that releases use: a JSON "
        "object, see [validator](validator.md). Without any, no release can have the check "
        "`judge`.",
    )
