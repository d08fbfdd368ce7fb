"""What the command line says about arguments that cannot be right, before it asks any cluster."""

from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glideslope import kafka
from glideslope.__main__ import COMMANDS, app
from glideslope.terminal import Exit

UNREACHABLE = {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"}

ON_A_CLUSTER = [
    ["ask", "?"],
    ["index", "--delete", "a"],
    ["status"],
    ["status", "--json"],
    ["topics", "create"],
    ["review", "list"],
    ["review", "show", "1"],
    ["review", "approve", "1"],
    ["review", "edit", "1", "--answer", "a"],
    ["review", "reject", "1", "--reason", "no"],
    ["dlq", "list"],
    ["dlq", "show", "1"],
    ["dlq", "show", "0/1", "--reveal", "--reason", "x"],
    ["dlq", "redrive", "--yes"],
    ["dlq", "redrive", "--dry-run"],
    ["release", "list"],
    ["release", "show", "brief"],
    ["release", "diff", "built-in", "brief"],
    ["release", "status", "--json"],
    ["release", "promote", "brief", "--why", "better"],
    ["release", "rollback", "--why", "worse"],
    ["release", "canary", "brief", "--percent", "5", "--why", "to try"],
    ["release", "shadow", "--off", "--why", "enough"],
    ["release", "compare", "built-in", "brief"],
    ["release", "watch"],
]


@pytest.fixture
def cli() -> CliRunner:
    return CliRunner(env={**UNREACHABLE, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask"], "Missing argument"),
        (["ask", ""], "at least 1 character"),
        (["ask", "x" * 8_001], "at most 8000 characters"),
        (["ask", "?", "--metadata", "novalue"], "KEY=VALUE"),
        (["ask", "?", "--metadata", "=value"], "KEY=VALUE"),
        (["ask", "?", "--group", "desk"], "--principal"),
        (["ask", "?", "--deadline", "tomorrow"], "deadline"),
        (["ask", "?", "--deadline", "2030-01-31T17:00:00"], "timezone"),
        (["ask", "?", "--passage-file", "/no/such/file"], "does not exist"),
        (["ask", "?", "--timeout", "0"], "0.1"),
        (["index"], "--delete"),
        (["index", "/no/such/folder"], "does not exist"),
        (["review", "edit", "1"], "--editor"),
        (["review", "edit", "1", "--answer", "a", "--editor"], "--answer"),
        (["review", "reject", "1"], "--reason"),
        (["review", "reject", "1", "--reason", " "], "say why"),
        (["dlq", "show", "1", "--reveal"], "say why"),
        (["dlq", "show", "1", "--reason", "x"], "--reveal"),
        (["dlq", "redrive"], "--yes"),
        (["dlq", "redrive", "--yes", "--where", "colour=red"], "reason-code"),
        (["dlq", "redrive", "--yes", "--position", "x"], "PARTITION/OFFSET"),
        (["dlq", "redrive", "--yes", "--limit", "0"], "1"),
        (["release", "create"], "Missing argument"),
        (["release", "promote", "brief"], "--why"),
        (["release", "rollback", "--why", " "], "say why"),
        (["release", "canary", "--percent", "5"], "RELEASE"),
        (["release", "canary", "brief"], "--percent"),
        (["release", "canary", "brief", "--percent", "0"], "above 0"),
        (["release", "canary", "brief", "--percent", "101"], "100"),
        (["release", "canary", "brief", "--off"], "--off"),
        (["release", "shadow"], "--off"),
    ],
)
def test_wrong_usage_is_told_with_what_is_right(
    cli: CliRunner, arguments: list[str], said: str
) -> None:
    result = cli.invoke(app, arguments)

    assert result.exit_code == Exit.USAGE
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_passage_file_must_be_text(cli: CliRunner, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "passage"
    path.write_bytes(content)

    result = cli.invoke(app, ["ask", "?", "--passage-file", str(path)])

    assert result.exit_code == Exit.USAGE
    assert "UTF-8 text and not empty" in result.stderr


def test_two_files_that_would_be_one_document_publish_nothing(
    cli: CliRunner, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text(folder)

    result = cli.invoke(app, ["index", str(tmp_path / "one"), str(tmp_path / "two")])

    # had it tried to publish, it would have found no cluster
    assert result.exit_code == Exit.FAILED
    assert "would both be document 'a.md'" in result.stderr


@pytest.mark.parametrize("arguments", ON_A_CLUSTER)
def test_a_cluster_that_cannot_be_reached_is_one_clear_line(
    cli: CliRunner, arguments: list[str]
) -> None:
    result = cli.invoke(app, arguments)

    assert result.exit_code == Exit.CLUSTER
    assert result.stdout == ""
    assert (
        "error: no Kafka broker answers at 'localhost:1': set KAFKA_BOOTSTRAP_SERVERS"
        in result.stderr
    )
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", ON_A_CLUSTER)
def test_every_command_looks_for_the_cluster_that_runs_on_its_home(
    cli: CliRunner, arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kafka, "running_at", {tmp_path: "localhost:2"}.get)

    result = cli.invoke(
        app, arguments, env={"KAFKA_BOOTSTRAP_SERVERS": None, "GLIDESLOPE_HOME": str(tmp_path)}
    )

    assert "no Kafka broker answers at 'localhost:2'" in result.stderr


def test_of_manifests_of_which_one_is_wrong_none_is_registered(
    cli: CliRunner, tmp_path: Path
) -> None:
    good = Path(__file__).parents[4] / "releases" / "built-in.yaml"
    bad = tmp_path / "bad.yaml"
    bad.write_text(good.read_text().replace("- verbatim", "- verbatimm"))

    result = cli.invoke(app, ["release", "create", str(good), str(bad)])

    # had it tried to register one, it would have found no cluster
    assert result.exit_code == Exit.FAILED
    assert "bad.yaml is no release: checks: there is no check 'verbatimm'" in result.stderr


@pytest.mark.parametrize("arguments", [["up"], ["demo"]])
def test_what_would_start_a_broker_of_its_own_says_so_when_the_given_cluster_does_not_answer(
    cli: CliRunner, arguments: list[str]
) -> None:
    result = cli.invoke(app, arguments)

    assert result.exit_code == Exit.CLUSTER
    [line] = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert "no Kafka broker answers at 'localhost:1'" in line
    assert line.endswith("or leave it unset and a broker is started here")


def test_every_command_of_the_help_can_be_asked_for_and_no_other(cli: CliRunner) -> None:
    listed = cli.invoke(app, ["--help"]).output
    for name in COMMANDS:
        assert f" {name} " in listed
        own = cli.invoke(app, [name, "--help"])
        assert own.exit_code == 0
        assert f"glideslope {name}" in own.output
    assert cli.invoke(app, ["updown"]).exit_code == Exit.USAGE


def test_where_there_is_no_package_it_says_where_the_version_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    told = CliRunner().invoke(app, ["--version"])
    assert told.exit_code == Exit.OK
    assert "org.opencontainers.image.version" in told.stdout


def test_the_version_is_told_without_a_command() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert told.exit_code == Exit.OK
    assert told.stdout.strip().split(".")[0].isdigit()
