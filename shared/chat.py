"""What an operator says of a server of models that speaks OpenAI's chat completions."""

from pathlib import Path
from typing import Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

_HEADERS: Final = TypeAdapter(dict[str, str])


class ChatServer(BaseModel):
    """Anything that speaks OpenAI's chat completions: Azure OpenAI, vLLM, llama.cpp, a gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    base_url: str
    """What `/chat/completions` comes after: `https://host/v1`; of Azure, the resource's address."""
    api_key: SecretStr | None = None
    """Key; better in a file."""
    api_key_file: Path | None = None
    """File that holds the key, read at each start."""
    api_version: str | None = None
    """Of Azure OpenAI: then a release names deployments as models, and the key is sent as Azure
    has it."""
    headers: dict[str, SecretStr] = {}
    """Further headers for every call, as a gateway may ask for; their values may be secrets."""
    headers_file: Path | None = None
    """File with more of them, as a JSON object of names and values; read at each start."""
    ca_file: Path | None = None
    """Certificates of a private authority that the server's is checked against."""
    json_object: bool = True
    """Whether to ask for a JSON object (`response_format`); a few servers refuse that."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the most that may be written."""

    @model_validator(mode="after")
    def _one_key(self) -> "ChatServer":
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("api_key and api_key_file exclude each other: set one")
        return self

    def key(self) -> str | None:
        """Return the key. Raises `OSError`."""
        if self.api_key_file is not None:
            return self.api_key_file.read_text(encoding="utf-8").strip()
        return self.api_key.get_secret_value() if self.api_key else None

    def sent_headers(self) -> dict[str, str]:
        """Return the headers of every call, the key among them.

        Raises `OSError`, and `ValueError` when the file of headers holds anything else.
        """
        sent = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.headers_file is not None:
            sent |= _headers_in(self.headers_file)
        if (key := self.key()) is not None:
            sent |= {"api-key": key} if self.api_version else {"Authorization": f"Bearer {key}"}
        return sent

    def url(self, path: str, model: str) -> str:
        """Return the address of an operation; Azure has one for each deployment."""
        base = self.base_url.rstrip("/")
        if self.api_version is None:
            return f"{base}/{path}"
        return f"{base}/openai/deployments/{model}/{path}?api-version={self.api_version}"


def _headers_in(path: Path) -> dict[str, str]:
    try:
        return _HEADERS.validate_json(path.read_bytes())
    except ValidationError:
        # without its cause: that shows what is in the file
        raise ValueError(
            f'{path} must hold a JSON object of headers, such as {{"x-name": "value"}}'
        ) from None
