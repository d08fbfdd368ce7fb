"""`glideslope validate`, `calibrate` and `eval` as a user runs them."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from glideslope.__main__ import app
from glideslope.terminal import Exit
from shared.release import BUILT_IN, Release

PASSAGE = "Net sales of Larkspur Tools rose 12% to $3.2 billion in 2023."


@pytest.fixture
def cli() -> CliRunner:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})


def row(answer: str = PASSAGE, **more: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "question": "How did net sales do?",
        "answer": answer,
        "passages": [{"id": "p", "text": PASSAGE}],
        **more,
    }


def lines(*rows: Any) -> str:
    return "".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in rows)


def test_a_row_in_is_a_row_out(cli: CliRunner) -> None:
    result = cli.invoke(app, ["validate", "--json"], input=lines(row(), row("Bees hum.", id="b")))
    assert result.exit_code == Exit.OK, result.output
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], first["route"]) == (1, "approved")
    assert (second["id"], second["route"]) == ("b", "review")
    assert first["probability"] > second["probability"]
    for check in first["checks"]:
        assert set(check) == {"name", "verdict", "score", "reason", "spans", "compared"}
    assert "citations" not in {check["name"] for check in first["checks"]}


def test_citations_are_checked_where_a_row_has_them(cli: CliRunner) -> None:
    good = row(citations=[{"id": "p", "quote": PASSAGE}])
    bad = row(citations=[{"id": "p", "quote": "Net sales fell."}])
    none = row(citations=[])
    result = cli.invoke(app, ["validate", "--json"], input=lines(good, bad, none))
    verdicts = [
        next(c["verdict"] for c in json.loads(line)["checks"] if c["name"] == "citations")
        for line in result.stdout.splitlines()
    ]
    assert verdicts == ["passed", "failed", "failed"]


def test_a_bad_row_gets_an_error_row_and_the_others_are_judged(
    cli: CliRunner, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(lines("no json\n", "\n", {"id": 7, "question": "?"}, row()))
    result = cli.invoke(app, ["validate", str(path), "--json"])
    assert result.exit_code == Exit.FAILED
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [r.get("id") for r in found] == [None, 7, 1]
    assert [r.get("line") for r in found] == [1, 3, None]
    assert "Field required: send {" in found[1]["error"]
    assert '"passages": [{"id": …, "text": "…"}]' in found[1]["error"]
    assert "2 of 3 rows" in result.stderr


def test_without_json_it_says_what_would_not_be_approved(cli: CliRunner) -> None:
    result = cli.invoke(app, ["validate"], input=lines(row(), row("Bees hum.", id="b")))
    assert "b: review" in result.stdout
    assert "2 rows: 1 approved" in result.stdout


def test_a_row_that_cannot_be_read_is_not_counted_as_judged(cli: CliRunner) -> None:
    result = cli.invoke(app, ["validate"], input=lines(row(), "no json\n"))
    assert "1 row: 1 approved, 0 regenerate, 0 review, 0 refusal" in result.stdout
    assert "1 of 2 rows could not be read" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate", "/no/such/file"], "cannot be read"),
        (["validate", "--release", "/no/such/file"], "cannot be read"),
        (["calibrate", "--set", "/no/such/file"], "cannot be read"),
        (["eval", "run", "--set", "/no/such/file"], "cannot be read"),
        (["eval", "compare", "/no/such", "/no/such"], "cannot be read"),
    ],
)
def test_a_file_that_is_not_there_is_named(cli: CliRunner, arguments: list[str], said: str) -> None:
    result = cli.invoke(app, arguments, input="")
    assert result.exit_code in {Exit.FAILED, Exit.USAGE}
    assert said in result.stderr


def labelled(path: Path, count: int, *, honest: bool = True) -> Path:
    """Write right quotes and strange sentences, labelled honestly or by chance."""
    random = Random(1)
    rows = []
    for number in range(count):
        right = number % 3 > 0
        text = (
            f"Net sales of Larkspur Tools rose {number % 89 + 3}% to ${number + 2} million in 2023."
        )
        answer = text if right else f"The court of Ruritania fined the bakers of lot {number}."
        rows.append(
            row(
                answer,
                id=number,
                passages=[{"id": "p", "text": text}],
                supported=right if honest else random.random() < 0.5,
                group=str(number),
            )
        )
    path.write_text(lines(*rows))
    return path


def test_calibration_writes_a_release_that_approves_by_its_certificate(
    cli: CliRunner, tmp_path: Path
) -> None:
    data, release = labelled(tmp_path / "set.jsonl", 300), tmp_path / "release.json"
    result = cli.invoke(app, ["calibrate", "--set", str(data), "--out", str(release), "--json"])
    assert result.exit_code == Exit.OK, result.output
    certificate = json.loads(result.stdout)["certificate"]
    assert certificate["bound"] <= 0.05
    assert certificate["approved"] >= 60
    calibrated = Release.model_validate_json(release.read_bytes())
    assert calibrated.thresholds.approve == certificate["threshold"]

    judged = cli.invoke(app, ["validate", str(data), "--json", "--release", str(release)])
    routes = [json.loads(line)["route"] for line in judged.stdout.splitlines()]
    approved = [number for number, route in enumerate(routes) if route == "approved"]
    assert len(approved) >= 60
    assert all(number % 3 for number in approved)


@pytest.mark.parametrize(
    ("count", "honest", "said"), [(50, True, "too few"), (300, False, "does not rank")]
)
def test_calibration_is_refused_where_the_data_supports_no_promise(
    cli: CliRunner, tmp_path: Path, count: int, honest: bool, said: str
) -> None:
    data = labelled(tmp_path / "set.jsonl", count, honest=honest)
    release = tmp_path / "release.json"
    result = cli.invoke(app, ["calibrate", "--set", str(data), "--out", str(release)])
    assert result.exit_code == Exit.REFUSED
    assert said in result.stderr
    judged = cli.invoke(app, ["validate", "--json", "--release", str(release)], input=lines(row()))
    found = json.loads(judged.stdout)
    assert found["route"] == "review"
    assert said in found["reason"]


def test_an_evaluation_is_printed_written_and_compared(cli: CliRunner, tmp_path: Path) -> None:
    data, run, page = (
        labelled(tmp_path / "set.jsonl", 60),
        tmp_path / "run.json",
        tmp_path / "run.html",
    )
    result = cli.invoke(
        app, ["eval", "run", "--set", str(data), "--out", str(run), "--html", str(page)]
    )
    assert result.exit_code == Exit.OK, result.output
    assert "AUROC" in result.stdout
    assert "vegaEmbed" in page.read_text()

    same = cli.invoke(app, ["eval", "compare", str(run), str(run)])
    assert same.exit_code == Exit.OK
    assert "inconclusive" in same.stdout

    worse = json.loads(run.read_text())
    for answer in worse["answers"]:
        answer["probability"] = 1 - answer["probability"]
    (tmp_path / "worse.json").write_text(json.dumps(worse))
    result = cli.invoke(app, ["eval", "compare", str(run), str(tmp_path / "worse.json"), "--json"])
    assert result.exit_code == Exit.FAILED
    assert {d["outcome"] for d in json.loads(result.stdout) if d["measure"] == "auroc"} == {"worse"}

    worse["answers"].pop()
    (tmp_path / "worse.json").write_text(json.dumps(worse))
    other = cli.invoke(app, ["eval", "compare", str(run), str(tmp_path / "worse.json")])
    assert other.exit_code == Exit.USAGE
    assert "different answers" in other.stderr


def test_a_judge_that_cannot_be_reached_sends_each_row_to_a_person(
    cli: CliRunner, tmp_path: Path
) -> None:
    manifest = BUILT_IN.model_dump(mode="json", exclude_none=True)
    manifest |= {"judge": {"model": "desk:large"}, "checks": [*BUILT_IN.checks, "judge"]}
    file = tmp_path / "release.json"
    file.write_text(json.dumps(manifest))
    result = cli.invoke(
        app,
        ["validate", "--json", "--release", str(file)],
        input=lines(row(), row(id=2)),
        env={"GLIDESLOPE_JUDGES": '{"desk": {"base_url": "http://127.0.0.1:9/v1"}}'},
    )
    assert result.exit_code == Exit.OK, result.output
    for line in result.stdout.splitlines():
        told = json.loads(line)
        assert told["route"] == "review"
        assert "judge (unavailable: the server cannot be reached" in told["reason"]
