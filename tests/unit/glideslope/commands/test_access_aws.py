import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from glideslope.__main__ import app

COMPLETE = Path(__file__).parents[4] / "deploy" / "terraform" / "examples" / "complete"
ACCOUNT = "123456789012"


def bedrock(*arguments: str, providers: str | None = None) -> Result:
    told = (COMPLETE / "providers.json").read_text() if providers is None else providers
    return CliRunner().invoke(
        app,
        ["access", "bedrock", *arguments],
        env={"GLIDESLOPE_PROVIDERS": told, "AWS_REGION": None, "COLUMNS": "300"},
    )


def test_the_examples_policy_is_the_one_of_its_release() -> None:
    result = bedrock(str(COMPLETE / "release.yaml"), "--account", ACCOUNT)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((COMPLETE / "models.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "providers", "said"),
    [
        ((), None, "name the manifest"),
        ((str(COMPLETE / "release.yaml"), "--account", "12"), None, "12 digits"),
        ((str(COMPLETE / "release.yaml"), "--account", ACCOUNT), "{}", "GLIDESLOPE_PROVIDERS"),
        (
            (str(COMPLETE / "release.yaml"), "--account", ACCOUNT),
            '{"bedrock": {"kind": "bedrock"}}',
            "names no region",
        ),
        (
            (str(COMPLETE / "release.yaml"), "--account", ACCOUNT, "--role", "arn:x"),
            None,
            "called as arn:x",
        ),
    ],
)
def test_what_is_missing_is_said(
    arguments: tuple[str, ...], providers: str | None, said: str
) -> None:
    result = bedrock(*arguments, providers=providers)
    assert result.exit_code == 2
    assert said in result.output


def test_a_manifest_that_is_none_is_named(tmp_path: Path) -> None:
    result = bedrock(str(tmp_path / "none.yaml"), "--account", ACCOUNT)
    assert result.exit_code == 1
    assert "none.yaml" in result.output


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "region: Field required"), ("no JSON", "Invalid JSON")]
)
def test_an_estate_that_is_none_is_told_what_it_lacks(tmp_path: Path, text: str, said: str) -> None:
    estate = tmp_path / "estate.json"
    estate.write_text(text)
    result = CliRunner().invoke(
        app, ["access", "aws", "witness", "--estate", str(estate)], env={"COLUMNS": "300"}
    )
    assert result.exit_code == 2
    assert said in result.output
