import json
from pathlib import Path
from typing import Any

import pytest

from evals import gate
from evals.gate import Held, Measure, MeasureError

PRINTED: dict[str, Any] = {"parts": [{"name": "own", "auroc": {"value": 0.8}}], "passed": True}


@pytest.mark.parametrize(
    ("figure", "kind", "floor", "passed"),
    [
        ("parts/own/auroc/value", "at least", 0.8, True),
        ("parts/own/auroc/value", "at least", 0.81, False),
        ("parts/own/auroc/value", "at most", 0.79, False),
        ("parts/other/auroc/value", "at least", 0.0, False),
        ("parts/own/auroc", "at least", 0.0, False),
        ("passed", "at least", 0.0, False),
    ],
)
def test_a_figure_under_its_floor_or_missing_does_not_pass(
    figure: str, kind: str, floor: float, *, passed: bool
) -> None:
    measure = Measure(name="m", command=("x",), **{kind.replace(" ", "_"): {figure: floor}})

    [held] = gate.hold(measure, PRINTED)

    assert held.passed is passed


def test_what_is_no_number_is_not_good_enough() -> None:
    assert not Held("m", "f", float("nan"), "at least", 0.0).passed
    assert not Held("m", "f", float("nan"), "at most", 1.0).passed


@pytest.mark.parametrize(
    ("code", "told"),
    [("raise SystemExit(3)", "ended with 3"), ("print('done')", "printed no JSON")],
)
def test_a_command_that_breaks_measures_nothing(code: str, told: str) -> None:
    with pytest.raises(MeasureError, match=told):
        gate.run(Measure(name="m", command=("python", "-c", code)))


def test_the_last_line_is_read_where_more_is_printed() -> None:
    code = "print('progress'); print('{\"recall\": 0.5}')"

    assert gate.run(Measure(name="m", command=("python", "-c", code))) == {"recall": 0.5}


@pytest.mark.parametrize(("wanted", "code"), [("", 0), ("complete", 1)])
def test_data_that_is_not_there_is_told_and_a_complete_gate_fails(
    wanted: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measure = Measure(name="public", command=("x",), needs_data=True, at_least={"f": 1})
    monkeypatch.setattr(gate, "read", lambda: [measure])
    monkeypatch.setattr(gate, "DATA", tmp_path / "none")
    monkeypatch.setenv("GATE", wanted)

    with pytest.raises(SystemExit) as ended:
        gate.main()

    said = capsys.readouterr().out
    assert ended.value.code == code
    assert "NOT MEASURED: public" in said
    assert json.loads(said.splitlines()[-1])["passed"] is (code == 0)


def test_a_measure_without_a_floor_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "floors.toml"
    file.write_text('[[measure]]\nname = "m"\ncommand = ["x"]\n')

    with pytest.raises(ValueError, match="no floor"):
        gate.read(file)


def test_the_committed_floors_can_be_read() -> None:
    assert {measure.name for measure in gate.read()} >= {"golden"}


def test_a_manifest_that_is_no_file_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELEASE", "releases/$(touch here).yaml")
    monkeypatch.setattr(gate, "read", lambda: pytest.fail("it was going to measure"))

    with pytest.raises(SystemExit) as ended:
        gate.main()

    assert ended.value.code == 2
    assert "there is no manifest releases/$(touch here).yaml" in capsys.readouterr().out
