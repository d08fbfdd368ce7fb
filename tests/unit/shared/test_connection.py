import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient

from shared import connection as module
from shared.connection import connection
from shared.settings import Settings
from tests.authority import Authority

ROOT = Path(__file__).parents[3]
CLIENTS = {"AIOKafkaAdminClient", "AIOKafkaClient", "AIOKafkaConsumer", "AIOKafkaProducer"}


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    yield
    module._certificates.cache_clear()
    module._tokens.cache_clear()


def test_without_security_there_is_the_address_alone() -> None:
    assert connection(Settings(bootstrap_servers="k:1")) == {
        "bootstrap_servers": "k:1",
        "security_protocol": "PLAINTEXT",
    }


def test_scram_over_tls_has_name_password_and_the_authority(tmp_path: Path) -> None:
    given = Settings(
        bootstrap_servers="k:1",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="ingest",
        kafka_sasl_password="s3",
        kafka_ssl_ca_file=Authority(tmp_path).file,
    )
    options = connection(given)

    assert options["ssl_context"] is connection(given)["ssl_context"]  # read once a process
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == (
        "SCRAM-SHA-512",
        "ingest",
    )
    assert options["sasl_plain_password"] == "s3"


async def test_aiokafka_takes_what_msk_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    given = Settings(
        bootstrap_servers="k:1",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="AWS_MSK_IAM",
    )
    options = connection(given)
    AIOKafkaClient(**options)
    assert options["sasl_mechanism"] == "OAUTHBEARER"


def test_every_client_of_the_project_is_opened_with_it() -> None:
    opened = 0
    for folder in ("glideslope", "services", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                if node.func.id in CLIENTS:
                    opened += 1
                    spread = [each.value for each in node.keywords if each.arg is None]
                    assert any(
                        isinstance(each, ast.Call)
                        and isinstance(each.func, ast.Name)
                        and each.func.id == "connection"
                        for each in spread
                    ), f"{path}:{node.lineno} opens a client without `**connection(settings)`"
    assert opened > 10
