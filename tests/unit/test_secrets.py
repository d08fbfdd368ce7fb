"""No setting that is a secret is shown by what shows settings, or complains about them."""

import importlib
import json
import traceback
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import SettingsError
from typer.testing import CliRunner

from glideslope.__main__ import app
from glideslope.declarations import found
from shared import topics
from shared.settings import Settings

CANARY = "canary-5d3c9f"
SERVER = {"base_url": "http://gateway/v1", "api_key": CANARY, "headers": {"x-key": CANARY}}
PLANTED: dict[str, Any] = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_USERNAME": "somebody",
    "KAFKA_SASL_PASSWORD": CANARY,
    "KAFKA_SSL_KEY_PASSWORD": CANARY,
    "GLIDESLOPE_AUDIT_MASTER_KEY": CANARY,
    "GLIDESLOPE_QDRANT_API_KEY": CANARY,
    "GLIDESLOPE_REVIEW_DATABASE": f"postgresql+asyncpg://somebody:{CANARY}@127.0.0.1:1/review",
    "GLIDESLOPE_REVIEW_OIDC_CLIENT_SECRET": CANARY,
    "GLIDESLOPE_PROVIDERS": {"gateway": {"kind": "openai", **SERVER}},
    "GLIDESLOPE_JUDGES": {"judge": SERVER},
}


@cache  # and not while tests are collected, which each worker does
def kinds() -> dict[str, type[Settings]]:
    return {each.name: each.settings for each in found()}


def holds_secrets(annotation: Any) -> bool:
    """Whether a value of this type may have a secret in it."""
    if annotation is SecretStr:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(holds_secrets(each.annotation) for each in annotation.model_fields.values())
    return any(holds_secrets(each) for each in typing.get_args(annotation))


def secret_variables() -> Iterator[str]:
    for kind in kinds().values():
        for name, field in kind.model_fields.items():
            if holds_secrets(field.annotation):
                yield kind.variable(name)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def plant(**changed: Any) -> None:
        for name, value in {**PLANTED, **changed}.items():
            monkeypatch.setenv(name, value if isinstance(value, str) else json.dumps(value))

    return plant


def test_a_canary_is_planted_in_every_setting_that_is_a_secret() -> None:
    assert set(secret_variables()) == {
        name for name, value in PLANTED.items() if CANARY in json.dumps(value)
    }


@pytest.mark.parametrize("service", topics.RETRIES)
def test_settings_show_no_secret(service: str, planted: Callable[..., None]) -> None:
    planted()
    settings = kinds()[service]()
    for shown in (repr(settings), str(settings), settings.model_dump_json(), f"{settings!s}"):
        assert CANARY not in shown


BROKEN: dict[str, Any] = {
    "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    "GLIDESLOPE_PROVIDERS": [
        f'{{"gateway": "{CANARY}',
        {"gateway": {"kind": "openai", **SERVER, "api_key_file": "also"}},
        {"gateway": {"kind": "openai", **SERVER, "apikey": CANARY}},
        {"gateway": {"kind": "openai", "base_url": "http://g", "api_key": [CANARY]}},
    ],
    "GLIDESLOPE_JUDGES": [{"judge": {**SERVER, "seconds": CANARY}}],
    "GLIDESLOPE_REVIEW_OIDC_CLIENT_SECRET": [""],
}
CASES = [
    (name, value)
    for name, values in BROKEN.items()
    for value in (values if isinstance(values, list) else [values])
]


@pytest.mark.parametrize(("variable", "value"), CASES)
def test_a_complaint_about_settings_quotes_no_secret(
    variable: str, value: Any, planted: Callable[..., None]
) -> None:
    planted(**{variable: value})
    complaints = []
    for kind in kinds().values():
        try:
            kind()
        except (ValidationError, SettingsError) as error:
            complaints.append("".join(traceback.format_exception(error)))
    assert complaints or value == ""
    assert CANARY not in "".join(complaints)


def test_the_command_line_complains_without_a_secret(planted: Callable[..., None]) -> None:
    planted(GLIDESLOPE_PARTITIONS=CANARY, KAFKA_SECURITY_PROTOCOL=CANARY)
    ended = CliRunner().invoke(app, ["status"])
    assert ended.exit_code == 2
    assert "setting KAFKA_SECURITY_PROTOCOL" in ended.output
    assert CANARY not in ended.output


def test_an_address_of_a_database_that_is_none_is_not_quoted(
    planted: Callable[..., None],
) -> None:
    planted(GLIDESLOPE_REVIEW_DATABASE=f"postgresql:/{CANARY}", KAFKA_SECURITY_PROTOCOL="SASL_SSL")
    build = importlib.import_module("services.review.app").build
    with pytest.raises(Exception) as refused:  # noqa: PT011 - whatever it is, it quotes nothing
        build(kinds()["review"]())
    assert CANARY not in "".join(traceback.format_exception(refused.value))
