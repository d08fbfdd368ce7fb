import io
from pathlib import Path

import pytest
import typer
from aiokafka.errors import KafkaTimeoutError
from pydantic import Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from glideslope import kafka, terminal, variables
from glideslope.cluster import UnreachableError
from glideslope.terminal import CommandError, Exit
from shared.settings import Settings


def test_a_list_that_is_no_json_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Listing(Settings):
        several: tuple[int, ...] = Field(default=(), description="several")

    monkeypatch.setenv("GLIDESLOPE_SEVERAL", "(1, 2)")

    with pytest.raises(typer.Exit) as left:
        terminal.settings(Listing)

    assert left.value.exit_code == Exit.USAGE
    assert "setting GLIDESLOPE_SEVERAL: it must be JSON" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError("nowhere:1"), Exit.CLUSTER),
        (KafkaTimeoutError(), Exit.CLUSTER),
        (CommandError("do this", Exit.TIMEOUT), Exit.TIMEOUT),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: Exception, code: Exit, capfd: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(typer.Exit) as left:
        terminal.run(work())

    captured = capfd.readouterr()
    assert left.value.exit_code == code
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_text_of_others_cannot_steer_the_terminal() -> None:
    assert terminal.plain("a\x1b[31mb\x9b\rc\n\tü€") == "a\N{REPLACEMENT CHARACTER}[31mb" + (
        "\N{REPLACEMENT CHARACTER}" * 2 + "c\n\tü€"
    )


def test_on_a_terminal_a_table_is_folded_and_a_text_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown, force_terminal=True, width=20))
    table = Table("why", box=None)
    table.add_row("one two three four five six")
    path = Text("a/path/that/is/longer/than/the/terminal")

    terminal.show(table, path)

    assert "".join(shown.getvalue().split()).endswith(f"onetwothreefourfivesix{path.plain}")
    assert path.plain in shown.getvalue()


def test_an_error_message_is_no_markup(capfd: pytest.CaptureFixture[str]) -> None:
    terminal.complain("[bold]x[/nonsense]")

    assert "[bold]x[/nonsense]" in capfd.readouterr().err


def test_a_wrong_setting_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLIDESLOPE_PARTITIONS", "none")

    with pytest.raises(typer.Exit) as left:
        terminal.settings()

    assert left.value.exit_code == Exit.USAGE
    assert "setting GLIDESLOPE_PARTITIONS: " in capfd.readouterr().err


def test_all_that_is_wrong_with_the_services_settings_is_said_once_and_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLIDESLOPE_PARTITIONS", "none")
    monkeypatch.setenv("GLIDESLOPE_REVIEW_SIGN_IN", "locl")
    monkeypatch.setenv("GLIDESLOPE_BUDGET_SHARE", "2")

    with pytest.raises(typer.Exit) as left:
        terminal.must_suit(variables.kinds())

    assert left.value.exit_code == Exit.USAGE
    lines = capfd.readouterr().err.splitlines()
    named = [line.removeprefix("error: setting ").partition(":")[0] for line in lines]
    assert sorted(named) == [
        "GLIDESLOPE_BUDGET_SHARE",
        "GLIDESLOPE_PARTITIONS",
        "GLIDESLOPE_REVIEW_SIGN_IN",
    ]
    assert "Input should be 'oidc' or 'local'" in lines[2]


def test_settings_that_do_not_go_together_are_told_in_their_own_words(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLIDESLOPE_REVIEW_SIGN_IN", "oidc")

    with pytest.raises(typer.Exit):
        terminal.must_suit(variables.kinds())

    said = capfd.readouterr().err
    assert said.startswith("error: GLIDESLOPE_REVIEW_SIGN_IN=oidc also needs GLIDESLOPE_REVIEW_")


def test_a_service_s_settings_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Special(Settings):
        special: int = Field(default=1, description="special")

    monkeypatch.setenv("GLIDESLOPE_SPECIAL", "2")

    assert terminal.settings(Special).special == 2


def test_a_command_finds_the_cluster_that_runs_on_its_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLIDESLOPE_HOME", str(tmp_path))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setattr(kafka, "running_at", {tmp_path: "127.0.0.1:20001"}.get)
    assert terminal.cluster_settings().bootstrap_servers == "127.0.0.1:20001"


def test_a_cluster_that_is_named_goes_before_one_that_runs_on_the_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.acme.example:9092")
    monkeypatch.setattr(kafka, "running_at", lambda _: "127.0.0.1:20001")
    assert terminal.cluster_settings().bootstrap_servers == "kafka.acme.example:9092"
