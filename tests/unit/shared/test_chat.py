"""What is sent to a server of models besides the question."""

from pathlib import Path

import pytest

from shared.chat import ChatServer


def test_headers_that_are_secrets_come_from_a_file_beside_those_that_are_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "headers").write_text('{"x-token": "s3cret"}')
    (tmp_path / "key").write_text("k\n")
    server = ChatServer.model_validate(
        {
            "base_url": "https://models.example/v1",
            "headers": {"x-cost-centre": "research"},
            "headers_file": tmp_path / "headers",
            "api_key_file": tmp_path / "key",
        }
    )
    assert server.sent_headers() == {
        "x-cost-centre": "research",
        "x-token": "s3cret",
        "Authorization": "Bearer k",
    }


@pytest.mark.parametrize("held", ["x-token: s3cret", '["s3cret"]', '{"x": {"s3cret": 1}}', ""])
def test_a_file_that_holds_no_headers_is_named_and_not_shown(tmp_path: Path, held: str) -> None:
    (tmp_path / "headers").write_text(held)
    server = ChatServer(base_url="https://models.example/v1", headers_file=tmp_path / "headers")
    with pytest.raises(ValueError, match="must hold a JSON object") as refused:
        server.sent_headers()
    assert str(tmp_path / "headers") in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__
