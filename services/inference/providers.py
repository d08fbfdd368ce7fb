"""What an operator says of the providers that releases may name: GLIDESLOPE_PROVIDERS."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class _Provider(BaseModel):
    """What all kinds have."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    """Calls under way at once, at the most; fewer while the provider throttles."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Calls a minute, at the most; not set, the provider's throttling alone decides."""
    stream: bool = True
    """Whether answers are streamed. Only a stream shows silence before the whole call is late."""
    system: str | None = None
    """OpenTelemetry's `gen_ai.provider.name`, where it is not what its kind says."""


class BedrockProvider(_Provider):
    """Amazon Bedrock, through Converse and ConverseStream. Credentials are boto3's own affair."""

    kind: Literal["bedrock"]
    region: str | None = None
    """AWS region; not set, boto3's default chain says."""
    endpoint_url: str | None = None
    """Address of a VPC interface endpoint (or of another thing that speaks Bedrock's protocol)."""
    assume_role: str | None = None
    """ARN of a role to call Bedrock as; its credentials are renewed before they expire."""
    sts_endpoint_url: str | None = None
    """Address of a VPC endpoint of STS, for `assume_role`."""
    guardrail_id: str | None = None
    """Guardrail that every call goes through."""
    guardrail_version: str | None = None
    """Its version, which has to be named with it."""

    @model_validator(mode="after")
    def _guardrail_is_whole(self) -> "BedrockProvider":
        if (self.guardrail_id is None) is not (self.guardrail_version is None):
            raise ValueError("guardrail_id and guardrail_version go together: set both or neither")
        return self


class OpenAIProvider(_Provider):
    """Anything that speaks OpenAI's chat completions: Azure OpenAI, vLLM, llama.cpp, a gateway."""

    kind: Literal["openai"]
    base_url: str
    """What `/chat/completions` comes after: `https://host/v1`; of Azure, the resource's address."""
    api_key: SecretStr | None = None
    """Key; better in a file."""
    api_key_file: Path | None = None
    """File that holds the key, read at each start."""
    api_version: str | None = None
    """Of Azure OpenAI: then a release names deployments as models, and the key is sent as Azure
    has it."""
    headers: dict[str, str] = {}
    """Further headers for every call, as a gateway may ask for."""
    ca_file: Path | None = None
    """Certificates of a private authority that the server's is checked against."""
    json_object: bool = True
    """Whether to ask for a JSON object (`response_format`); a few servers refuse that."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the most that may be written."""

    @model_validator(mode="after")
    def _one_key(self) -> "OpenAIProvider":
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("api_key and api_key_file exclude each other: set one")
        return self

    def key(self) -> str | None:
        """Return the key. Raises `OSError`."""
        if self.api_key_file is not None:
            return self.api_key_file.read_text(encoding="utf-8").strip()
        return self.api_key.get_secret_value() if self.api_key else None


ProviderSettings = Annotated[BedrockProvider | OpenAIProvider, Field(discriminator="kind")]
