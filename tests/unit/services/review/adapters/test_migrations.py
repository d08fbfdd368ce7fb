"""The schema, brought up to date before the service starts."""

import runpy
import sqlite3
from pathlib import Path

import pytest

PROGRAM = "services.review.adapters.migrations"


def test_the_schema_is_brought_up_to_date_and_again_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIDESLOPE_REVIEW_DATABASE", f"sqlite+aiosqlite:///{tmp_path}/queue.db")
    for _ in range(2):
        runpy.run_module(PROGRAM, run_name="__main__")
        database = sqlite3.connect(tmp_path / "queue.db")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        database.close()
        assert {"items", "alembic_version"} <= tables


def test_a_database_that_does_not_answer_ends_it_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/none"
    monkeypatch.setenv("GLIDESLOPE_REVIEW_DATABASE", url)
    with pytest.raises(SystemExit, match="GLIDESLOPE_REVIEW_DATABASE"):
        runpy.run_module(PROGRAM, run_name="__main__")


def test_a_setting_that_is_wrong_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLIDESLOPE_PARTITIONS", "none")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(PROGRAM, run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("setting GLIDESLOPE_PARTITIONS: ")
