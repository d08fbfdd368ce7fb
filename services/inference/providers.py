"""What an operator says of the providers that releases may name: GLIDESLOPE_PROVIDERS."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.chat import ChatServer


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


class OpenAIProvider(_Provider, ChatServer):
    """Anything that speaks OpenAI's chat completions."""

    kind: Literal["openai"]


ProviderSettings = Annotated[BedrockProvider | OpenAIProvider, Field(discriminator="kind")]
