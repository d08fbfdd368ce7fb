"""`glideslope audit reconcile`: whether every request in the logs has exactly one end."""

import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from glideslope import terminal
from glideslope.audit.balance import Balance, Balancing
from glideslope.audit.findings import Verdict
from glideslope.audit.keyring import at_home_of, keyring
from glideslope.audit.places import find_logs
from glideslope.commands.audit.arguments import AsJson, LogArgument, readable
from glideslope.identity import RequestName
from glideslope.terminal import Exit, plain
from services.audit.settings import AuditSettings
from services.ingest.settings import IngestSettings

_SHOWN = 20


def command(
    log: LogArgument = None,
    lost_after: Annotated[
        float,
        typer.Option(
            min=0,
            help="Hours without a step after which a request without an end counts as lost. One "
            "that waits for a person, or is a dead letter, does not.",
        ),
    ] = 24.0,
    as_json: AsJson = False,
) -> None:
    """See that every request has exactly one end, from the logs alone, partition by partition.

    requests = results + rejected + duplicates + dead letters + in flight. Requests in flight are
    listed with their age. What no key here opens is told by the entries' labels, as far as they
    go. Exit codes: 0 it adds up; 1 a request is lost, or ended twice, and is named; 22 a log
    cannot be read, or it cannot be told without keys.
    """
    settings = terminal.settings(AuditSettings)
    window = timedelta(seconds=terminal.settings(IngestSettings).duplicate_window_seconds)
    now = time.time_ns() // 1_000_000
    with readable():
        logs = find_logs(log, settings)
        open_keys = keyring(at_home_of(log, settings))
        keys = None if open_keys is None else open_keys()
        with closing(keys) if keys is not None else nullcontext():
            balances = [
                Balancing(each, keys, settings, window).run(now, timedelta(hours=lost_after))
                for each in logs
            ]
    if as_json:
        terminal.print_json(_as_data(balances, now))
    else:
        terminal.show(*_view(balances, now))
    wrong = [balance for balance in balances if not balance.reconciliation.adds_up]
    if any(balance.is_told for balance in wrong):
        raise typer.Exit(Exit.FAILED)
    raise typer.Exit(Verdict.UNVERIFIABLE if wrong else Verdict.INTACT)


def _as_data(balances: Sequence[Balance], now: int) -> dict[str, Any]:
    return {
        "adds_up": all(balance.reconciliation.adds_up for balance in balances),
        "logs": [
            {
                "origin": balance.origin,
                "requests": balance.reconciliation.requests,
                "results": balance.reconciliation.results,
                "rejected": balance.reconciliation.rejected,
                "duplicates": balance.reconciliation.duplicates,
                "dead_letters": balance.reconciliation.dead_letters,
                "in_flight": balance.reconciliation.in_flight,
                "waiting_for_person": balance.reconciliation.waiting_for_person,
                "lost": balance.reconciliation.lost,
                "adds_up": balance.reconciliation.adds_up,
                "without_key": balance.untold,
                "open": [
                    {
                        **_name(each.name),
                        "state": each.state,
                        "last_step": each.step,
                        "since": datetime.fromtimestamp(each.since / 1000, UTC).isoformat(),
                        "age_seconds": (now - each.since) / 1000,
                    }
                    for each in balance.open
                ],
                "faults": [{"what": each.what, **_name(name)} for each, name in balance.faults],
            }
            for balance in balances
        ],
    }


def _name(name: RequestName | None) -> dict[str, str | None]:
    if name is None:
        return {"request_id": None, "request_source": None}
    return {"request_id": name.id, "request_source": name.source}


def _view(balances: Sequence[Balance], now: int) -> list[RenderableType]:
    columns = ("requests", "results", "rejected", "duplicates", "dead letters", "in flight", "lost")
    table = Table("log", *columns, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for balance in balances:
        said = balance.reconciliation
        counts = (said.requests, said.results, said.rejected, said.duplicates, said.dead_letters)
        table.add_row(
            plain(balance.origin),
            *(f"{each:,}" for each in (*counts, said.in_flight, said.lost)),
        )
    texts = (part(each) for each in balances for part in (partial(_open, now), _faults, _end))
    return [table, *(text for text in texts if text)]


def _open(now: int, balance: Balance) -> Text:
    text = Text()
    for each in sorted(balance.open, key=lambda each: each.since)[:_SHOWN]:
        age = timedelta(milliseconds=now - each.since)
        text.append(
            f"  {plain(each.name.id)} of {plain(each.name.source)}: {each.state}, last on "
            f"{each.step}, came {_age(age)} ago\n",
            style="red" if each.state == "lost" else "",
        )
    more = len(balance.open) - _SHOWN
    if more > 0:
        text.append(f"  and {more:,} more without an end: --json names all\n")
    return text


def _faults(balance: Balance) -> Text:
    text = Text()
    for each, name in balance.faults[:_SHOWN]:
        about = "" if name is None else f"{name.id} of {name.source}: "
        text.append(f"  {plain(about)}{plain(each.what)}\n", style="red")
    more = len(balance.faults) - _SHOWN
    if more > 0:
        text.append(f"  and {more:,} more faults: --json names all\n")
    if balance.untold:
        text.append(
            f"  {balance.untold:,} entries of {plain(balance.origin)} say without a key of no "
            "request\n"
        )
    return text


def _end(balance: Balance) -> Text:
    origin = plain(balance.origin)
    if balance.reconciliation.adds_up:
        return Text(f"{origin} adds up", style="green")
    if balance.is_told:
        return Text(f"{origin} DOES NOT ADD UP", style="bold red")
    return Text(f"{origin}: it cannot be told without keys", style="bold yellow")


def _age(age: timedelta) -> str:
    return str(age - age % timedelta(seconds=1))
