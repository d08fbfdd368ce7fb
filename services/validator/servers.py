"""What an operator says of the servers of models that judge answers: GLIDESLOPE_JUDGES."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class JudgeServer(BaseModel):
    """Anything that speaks OpenAI's chat completions: Azure OpenAI, vLLM, llama.cpp, a gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    base_url: str
    """What `/chat/completions` comes after: `https://host/v1`; of Azure, the resource's address."""
    api_key: SecretStr | None = None
    """Key; better in a file."""
    api_key_file: Path | None = None
    """File that holds the key, read at each start."""
    api_version: str | None = None
    """Of Azure OpenAI: then a release names deployments as models."""
    headers: dict[str, str] = {}
    """Further headers for every call, as a gateway may ask for."""
    ca_file: Path | None = None
    """Certificates of a private authority that the server's is checked against."""
    json_object: bool = True
    """Whether to ask for a JSON object (`response_format`); a few servers refuse that."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the most that may be written."""
    seconds: Annotated[float, Field(gt=0)] = 20.0
    """Time that one call may take; then the judge is unavailable to that answer."""
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 32
    """Calls under way at once, at the most."""

    @model_validator(mode="after")
    def _one_key(self) -> "JudgeServer":
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("api_key and api_key_file exclude each other: set one")
        return self

    def key(self) -> str | None:
        """Return the key. Raises `OSError`."""
        if self.api_key_file is not None:
            return self.api_key_file.read_text(encoding="utf-8").strip()
        return self.api_key.get_secret_value() if self.api_key else None
