import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glideslope.__main__ import app
from glideslope.commands.load import _complain
from glideslope.load.figures import summarise
from glideslope.load.outcomes import Outcomes
from glideslope.load.pace import Pace
from glideslope.terminal import Exit


def test_a_mix_that_cannot_be_used_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    mix = tmp_path / "mix.jsonl"
    mix.write_text('{"question": "a"}\n{"weight": 2}\n')

    ended = CliRunner().invoke(app, ["load", "--mix", str(mix)])

    assert ended.exit_code == Exit.USAGE
    assert "line 2: question: Field required" in ended.stderr


@pytest.mark.parametrize("option", ["--report", "--hgrm"])
@pytest.mark.parametrize(
    ("file", "said"),
    [("none/x", "see that there is a folder none"), (".", "name a file in it")],
)
def test_a_page_that_could_not_be_written_is_refused_before_anything_is_sent(
    option: str, file: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}  # whoever asks this is told of it

    ended = CliRunner().invoke(app, ["load", option, file], env=told)

    assert ended.exit_code == Exit.USAGE
    assert said in ended.stderr.replace("\n", " ")


def test_what_was_measured_is_told_though_the_page_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = Outcomes()
    whole(outcomes)
    found = summarise(outcomes, Pace(10, 1), "m")
    page = tmp_path / "page.html"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(page))

    monkeypatch.setattr("glideslope.commands.load._run", lambda *_: found)
    monkeypatch.setattr("glideslope.load.report.write", full)

    ended = CliRunner().invoke(app, ["load", "--report", str(page), "--json"])

    assert ended.exit_code == Exit.FAILED
    assert json.loads(ended.stdout)["sent"] == 1
    assert "No space left on device" in ended.stderr


def whole(outcomes: Outcomes) -> None:
    outcomes.end(outcomes.send(0.0, 0.0), "answered", 0.1)


def lost(outcomes: Outcomes) -> None:
    outcomes.send(0.0, 0.0)


def doubled(outcomes: Outcomes) -> None:
    whole(outcomes)
    outcomes.end(0, "answered", 0.2)


def undelivered(outcomes: Outcomes) -> None:
    outcomes.fail(outcomes.send(0.0, 0.0))


def dead(outcomes: Outcomes) -> None:
    outcomes.end(outcomes.send(0.0, 0.0), "dead_letter", 0.1)


def behind(outcomes: Outcomes) -> None:
    outcomes.end(outcomes.send(0.0, 1.0), "answered", 1.1)


def lost_and_behind(outcomes: Outcomes) -> None:
    behind(outcomes)
    lost(outcomes)


@pytest.mark.parametrize(
    ("happened", "code", "said"),
    [
        (whole, Exit.OK, ""),
        (lost, Exit.FAILED, "1 have no end yet"),
        (doubled, Exit.FAILED, "1 ends are one too many"),
        (undelivered, Exit.FAILED, "1 were not confirmed by the brokers"),
        (dead, Exit.DEAD_LETTER, "1 became dead letters"),
        (behind, Exit.BEHIND, "the generator fell behind its own pace"),
        (lost_and_behind, Exit.FAILED, "1 have no end yet"),
    ],
)
def test_the_exit_code_says_the_worst_of_what_went_wrong(
    happened: Callable[[Outcomes], None],
    code: Exit,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = Outcomes()
    happened(outcomes)

    assert _complain(summarise(outcomes, Pace(10, 1), "m")) is code

    assert said in capsys.readouterr().err
