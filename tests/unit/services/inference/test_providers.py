from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from services.inference.providers import BedrockProvider, OpenAIProvider, ProviderSettings
from services.inference.settings import InferenceSettings

PROVIDERS = (
    '{"eu": {"kind": "bedrock", "region": "eu-central-1"},'
    ' "gateway": {"kind": "openai", "base_url": "https://gateway/v1", "api_key": "s3cret"}}'
)


def test_providers_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIDESLOPE_PROVIDERS", PROVIDERS)
    found = InferenceSettings().providers

    assert isinstance(found["eu"], BedrockProvider)
    assert isinstance(found["gateway"], OpenAIProvider)
    assert found["gateway"].key() == "s3cret"
    assert "s3cret" not in repr(found)


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    told = OpenAIProvider(kind="openai", base_url="https://x/v1", api_key_file=tmp_path / "key")

    assert told.key() == "s3cret"


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"kind": "bedrock", "guardrail_id": "g"}, "set both or neither"),
        ({"kind": "openai", "base_url": "x", "api_key": "a", "api_key_file": "b"}, "set one"),
        ({"kind": "openai"}, "base_url"),
        ({"kind": "bedrock", "regoin": "eu-central-1"}, "regoin"),
        ({"kind": "palm"}, "bedrock"),
        ({"kind": "bedrock", "concurrency": 0}, "concurrency"),
    ],
)
def test_what_is_wrong_with_a_provider_is_told(told: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        TypeAdapter(ProviderSettings).validate_python(told)


@pytest.mark.parametrize("kind", [BedrockProvider, OpenAIProvider])
def test_the_page_on_models_names_every_setting_of_a_provider(
    kind: type[BedrockProvider | OpenAIProvider],
) -> None:
    page = Path("docs/models.md").read_text(encoding="utf-8")

    assert [name for name in kind.model_fields if f"`{name}`" not in page] == []
