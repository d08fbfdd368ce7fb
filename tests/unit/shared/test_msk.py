import base64
import sys
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.msk import MskTokens, SignerMissingError


async def test_a_token_serves_until_shortly_before_it_runs_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    signed: list[str] = []

    def sign(region: str) -> tuple[str, int]:
        signed.append(region)
        return f"token-{len(signed)}", int((now + 900) * 1000)

    tokens = MskTokens("eu-central-1", sign)
    assert [await tokens.token(), await tokens.token()] == ["token-1", "token-1"]
    now += 835
    assert await tokens.token() == "token-1"
    now += 10
    assert await tokens.token() == "token-2"
    assert signed == ["eu-central-1"] * 2


async def test_aws_s_own_library_signs_for_the_region_with_this_machine_s_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-4be0")
    token = await MskTokens("eu-central-1").token()

    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    asked = parse_qs(url.query)
    assert url.hostname == "kafka.eu-central-1.amazonaws.com"
    assert asked["Action"] == ["kafka-cluster:Connect"]
    assert asked["X-Amz-Credential"][0].startswith("AKIDEXAMPLE/")
    assert "canary" not in url.query


def test_without_that_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)
    with pytest.raises(SignerMissingError, match="extra `msk`"):
        MskTokens("eu-central-1")
