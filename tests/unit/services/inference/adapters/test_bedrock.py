"""What Bedrock alone has: guardrails, and a role to be assumed."""

from typing import Any

import boto3
import pytest

from glideslope.emulator.bedrock import Converse
from glideslope.emulator.eventstream import exception
from services.inference.adapters.bedrock import runtime_client
from services.inference.models.errors import ModelError
from services.inference.models.model import Call, Prompt
from services.inference.providers import BedrockProvider
from tests.unit.services.inference.conftest import opened

CALL = Call("anthropic.m-v1:0", Prompt("s", "u"), max_output_tokens=9, seconds=5, temperature=0)


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the emulator is told."""
    told: list[dict[str, Any]] = []
    prompt = Converse.prompt

    def noting(self: Converse, body: dict[str, Any]) -> str:
        told.append(body)
        return prompt(self, body)

    monkeypatch.setattr(Converse, "prompt", noting)
    return told


@pytest.mark.parametrize("kind", ["bedrock", "bedrock, not streamed"])
async def test_every_call_goes_through_the_guardrail(
    kind: str, emulator: str, bodies: list[dict[str, Any]]
) -> None:
    async with opened(kind, emulator, guardrail_id="gr-1", guardrail_version="3") as provider:
        await provider.complete(CALL)

    (body,) = bodies
    assert body["guardrailConfig"] == {"guardrailIdentifier": "gr-1", "guardrailVersion": "3"}
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttlingException", "throttled"),
        ("validationException", "rejected"),
        ("modelStreamErrorException", "broken_off"),
        ("internalServerException", "broken_off"),
        ("serviceUnavailableException", "broken_off"),
    ],
)
async def test_an_error_in_mid_stream_is_told_by_its_name(
    emulator: str, monkeypatch: pytest.MonkeyPatch, kind: str, code: str
) -> None:
    monkeypatch.setattr(Converse, "closing", lambda *_: exception(kind, "no further"))
    async with opened("bedrock", emulator) as provider:
        with pytest.raises(ModelError) as raised:
            await provider.complete(CALL)

    assert raised.value.code == code


def test_bedrock_is_called_as_the_role_that_the_settings_name(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    role = "arn:aws:iam::123456789012:role/answers"
    told = BedrockProvider(
        kind="bedrock", region="eu-central-1", assume_role=role, sts_endpoint_url=aws
    )
    client = runtime_client(told, 1.0)
    taken = client._request_signer._credentials.get_frozen_credentials()

    assert taken.access_key.startswith("ASIA")
    named = boto3.client(
        "sts",
        region_name="eu-central-1",
        endpoint_url=aws,
        aws_access_key_id=taken.access_key,
        aws_secret_access_key=taken.secret_key,
        aws_session_token=taken.token,
    ).get_caller_identity()["Arn"]
    assert "assumed-role/answers/glideslope-inference" in named
