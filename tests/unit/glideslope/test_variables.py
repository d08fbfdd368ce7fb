from pathlib import Path

import pytest
from typer.testing import CliRunner

from glideslope import variables
from glideslope.__main__ import app
from shared.variables import LIST


def test_every_part_knows_the_variables_of_all_parts(tmp_path: Path) -> None:
    again = tmp_path / LIST.name
    assert variables.write(again) == [again]
    assert LIST.read_text("utf-8") == again.read_text("utf-8"), "run `make docs`"
    assert variables.write(again) == []


def test_every_command_warns_of_a_variable_that_nothing_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GLIDESLOPE_HOEM", "here")
    said = CliRunner().invoke(app, ["topics", "--help"]).stderr
    assert "GLIDESLOPE_HOEM is no setting and changes nothing: is it GLIDESLOPE_HOME?" in said
