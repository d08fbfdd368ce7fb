from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.settings import Settings

SCRAM: dict[str, Any] = {
    "bootstrap_servers": "k:1",
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_username": "ingest",
    "kafka_sasl_password": "canary-77d2",
}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kafka_sasl_username": None}, "also needs KAFKA_SASL_USERNAME"),
        ({"kafka_sasl_password": None}, "KAFKA_SASL_PASSWORD"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "of no use with .*PLAINTEXT: make it SASL_SSL"),
        ({"kafka_security_protocol": "SSL"}, "of no use with KAFKA_SECURITY_PROTOCOL=SSL"),
        (
            {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_mechanism": "PLAIN"},
            "would show everybody on the way who we are",
        ),
        ({"kafka_sasl_mechanism": "AWS_MSK_IAM"}, "also needs KAFKA_AWS_REGION"),
        ({"kafka_ssl_key_file": "key.pem"}, "also needs KAFKA_SSL_CERTIFICATE_FILE"),
        (
            {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_ssl_ca_file": "ca.pem"},
            "KAFKA_SSL_… is of no use",
        ),
        ({"kafka_security_protocol": "TLS"}, "Input should be 'PLAINTEXT', 'SSL'"),
    ],
)
def test_a_connection_that_protects_less_than_was_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], sentence: str
) -> None:
    for name in ("KAFKA_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValidationError, match=sentence) as refused:
        Settings.model_validate({**SCRAM, **given})
    assert "canary" not in str(refused.value)


def test_who_asks_for_security_names_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    with pytest.raises(ValidationError, match="also needs KAFKA_BOOTSTRAP_SERVERS"):
        Settings()


def test_a_secret_may_be_a_file_in_a_folder_and_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kafka_sasl_password").write_text("from a file\n")
    (tmp_path / "GLIDESLOPE_DEPLOYMENT").write_text("acme")
    monkeypatch.setenv("GLIDESLOPE_SECRETS_FOLDER", str(tmp_path))
    monkeypatch.setenv("GLIDESLOPE_PARTITIONS", "7")
    named = {name: value for name, value in SCRAM.items() if name != "kafka_sasl_password"}
    for name, value in named.items():
        monkeypatch.setenv(Settings.variable(name), value)

    given = Settings()
    assert given.kafka_sasl_password == SecretStr("from a file")
    assert (given.deployment, given.partitions) == ("acme", 7)
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "from the environment")
    assert Settings().kafka_sasl_password == SecretStr("from the environment")


def test_a_folder_of_secrets_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLIDESLOPE_SECRETS_FOLDER", str(tmp_path / "none"))
    with pytest.raises(ValidationError, match=r"secrets_folder\n.*directory"):
        Settings()
