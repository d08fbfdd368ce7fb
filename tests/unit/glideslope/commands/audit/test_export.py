"""`glideslope audit export` of the entries of a time."""

import builtins
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from typer.testing import Result

Append = Callable[[int], object]
Run = Callable[..., Result]


def test_parquet_has_a_row_for_each_entry_with_the_types_of_a_warehouse(
    append: Append, audit: Run, tmp_path: Path
) -> None:
    append(5)
    output = tmp_path / "entries.parquet"
    result = audit("export", "-o", output)
    assert result.exit_code == 0, result.output
    assert "5 entries" in result.output

    rows = parquet.read_table(output).to_pylist()
    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4]
    first = rows[0]
    assert first["at"] == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
    assert (first["log"], first["topic"], first["event_id"]) == (
        "glideslope/0",
        "requests",
        "event-0",
    )
    assert json.loads(first["value"]) == {"question": "what Anna asked"}
    assert dict(first["headers"])["ce_subject"] == "anna@example.com"


def test_parquet_and_json_lines_hold_the_same_entries_of_the_time(
    append: Append, audit: Run, tmp_path: Path
) -> None:
    append(5)
    between = ("--from", "2025-10-09T08:53:20", "--to", "2025-10-09T08:53:20.003")
    assert audit("export", "-o", tmp_path / "a.parquet", *between).exit_code == 0
    assert audit("export", "-o", tmp_path / "b", "--format", "jsonl", *between).exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "b").read_text().splitlines()]
    rows = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [line["index"] for line in lines] == [row["index"] for row in rows] == [0, 1, 2]


def test_an_erased_person_is_in_no_export_made_after(
    append: Append, audit: Run, tmp_path: Path
) -> None:
    append(3)
    assert (
        audit("erase", "anna@example.com", "--tenant", "bank", "--reason", "asked").exit_code == 0
    )
    for name in ("a.parquet", "a.jsonl"):
        assert audit("export", "-o", tmp_path / name).exit_code == 0
    [row, *_] = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert (row["decrypted"], row["value"], row["headers"]) == (False, None, None)
    assert "Anna" not in (tmp_path / "a.jsonl").read_text()


def test_without_pyarrow_it_says_how_to_get_it(
    append: Append, audit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(1)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pyarrow":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = audit("export", "-o", tmp_path / "a.parquet")
    assert result.exit_code == 1
    assert "glideslope[parquet]" in result.output
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "entries"),
        ("event-1", "-o", "a.zip", "--from", "2025-01-01"),
        ("-o", "a.jsonl", "--source", "crm"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    home: Path, audit: Run, arguments: tuple[str, ...]
) -> None:
    del home
    assert audit("export", *arguments).exit_code == 2
