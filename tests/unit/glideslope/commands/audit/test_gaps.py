"""`glideslope audit gaps` where there is no Kafka; with one, see the integration tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Append = Callable[[int], object]
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no cluster be there, so that none can be asked."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")


def test_entries_that_were_changed_are_not_taken_for_gaps(
    home: Path, append: Append, audit: Run
) -> None:
    append(3)
    bundle = home / "audit/0/tile/entries/000.p/3"
    bundle.write_bytes(bundle.read_bytes().replace(b'"offset":1,', b'"offset":2,'))
    result = audit("gaps", home / "audit")
    assert result.exit_code == 20
    assert "Run `glideslope audit verify`" in result.output.replace("\n", " ")


def test_without_a_log_it_ends_with_22(home: Path, audit: Run) -> None:
    result = audit("gaps", home / "audit")
    assert result.exit_code == 22


def test_without_a_cluster_it_ends_with_3(home: Path, append: Append, audit: Run) -> None:
    append(1)
    result = audit("gaps", home / "audit")
    assert result.exit_code == 3
    assert "no Kafka broker answers" in result.output
