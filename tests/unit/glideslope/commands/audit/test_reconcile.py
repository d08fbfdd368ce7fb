"""`glideslope audit reconcile`: what it prints, and its exit codes."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from typer.testing import Result

from services.audit.adapters.stores import Stores
from services.audit.entry import Entry, Position
from services.audit.settings import AuditSettings

Append = Callable[[int], object]
Run = Callable[..., Result]
YEARS = 10**6
"""Hours after which nothing of the test's log counts as lost."""


def test_requests_in_flight_are_listed_and_are_no_fault(append: Append, audit: Run) -> None:
    append(2)
    result = audit("reconcile", "--lost-after", YEARS)
    assert result.exit_code == 0, result.output
    assert "event-1 of crm: in flight, last on requests, came" in result.output

    said = json.loads(audit("reconcile", "--lost-after", YEARS, "--json").stdout)
    assert said["adds_up"]
    [log] = said["logs"]
    assert (log["requests"], log["in_flight"], log["lost"]) == (2, 2, 0)
    assert {each["request_id"] for each in log["open"]} == {"event-0", "event-1"}
    assert all(each["age_seconds"] > 0 for each in log["open"])


def test_a_log_that_no_request_is_in_goes_by_its_origin_too(home: Path, audit: Run) -> None:
    settings = AuditSettings()
    with closing(Stores(settings)) as stores, closing(stores.open(2)) as store:
        store.append([Entry(Position("c", "operations", 2, 0, 0), None, (), b"{}")])
    assert (home / "audit/2").is_dir()
    result = audit("reconcile")
    assert "glideslope/2 adds up" in result.stdout
    [log] = json.loads(audit("reconcile", "--json").stdout)["logs"]
    assert (log["origin"], log["requests"]) == ("glideslope/2", 0)


def test_a_lost_request_ends_with_1_and_is_named(append: Append, audit: Run) -> None:
    append(1)
    result = audit("reconcile")
    assert result.exit_code == 1
    assert "event-0 of crm: lost" in result.output
    assert "DOES NOT ADD UP" in result.output


def test_where_there_is_no_log_it_ends_with_22(home: Path, audit: Run) -> None:
    del home
    assert audit("reconcile").exit_code == 22
