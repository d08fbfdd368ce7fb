"""`glideslope status`: whether everything moves, and adds up."""

import asyncio
import time
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from glideslope import terminal
from glideslope.indexing import INDEX_GROUPS
from glideslope.reconciliation import Reconciliation
from glideslope.status import Stock, take_stock
from glideslope.terminal import Exit, out, plain
from services.ingest.settings import IngestSettings
from shared.settings import Settings

_AGAIN_AFTER_SECONDS = 2.0


def command(
    watch: Annotated[
        bool, typer.Option(help="Show it again and again; each time everything is read anew.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON for machines; with --watch one object a line."),
    ] = False,
) -> None:
    """Show what is on the topics, how far each service is, and whether every request has its end.

    requests = results + rejected + duplicates + dead letters + in flight, counted by reading
    what is committed. In flight is what a service or a person has yet to take on; a request
    without an end of which nobody has anything to do is lost, and is named. Records and lag are
    counted by reading too; '≤' marks a topic of which only the offsets are known, which count
    transaction markers as well. It holds about 300 bytes of memory for each request that is kept.

    Exit codes: 0 it adds up; 1 it does not, and requests that did not end exactly once are
    named; 3 the cluster cannot be worked with.
    """
    settings = terminal.cluster_settings(IngestSettings)
    window = timedelta(seconds=settings.duplicate_window_seconds)
    if watch:
        terminal.run(_watch(settings, window, as_json=as_json))
        return
    stock = terminal.run(take_stock(settings, window))
    if as_json:
        terminal.print_json(_as_data(stock))
    else:
        out.print(_view(stock))
    raise typer.Exit(Exit.OK if stock.reconciliation.adds_up else Exit.FAILED)


async def _watch(settings: Settings, window: timedelta, *, as_json: bool) -> None:
    with Live(console=out, auto_refresh=False) as live:
        while True:
            started = time.monotonic()
            stock = await take_stock(settings, window)
            if as_json:
                terminal.print_json(_as_data(stock), indent=None)
            else:
                live.update(_view(stock), refresh=True)
            # reading takes at most half of the time, however much there is to read
            await asyncio.sleep(max(_AGAIN_AFTER_SECONDS, time.monotonic() - started))


def _as_data(stock: Stock) -> dict[str, Any]:
    equation = stock.reconciliation
    return {
        "topics": stock.topics,
        "groups": stock.groups,
        "reconciliation": {
            "requests": equation.requests,
            "results": equation.results,
            "rejected": equation.rejected,
            "duplicates": equation.duplicates,
            "dead_letters": equation.dead_letters,
            "in_flight": equation.in_flight,
            "being_worked_on": equation.being_worked_on,
            "waiting_for_person": equation.waiting_for_person,
            "lost": equation.lost,
            "expired": equation.expired,
            "adds_up": equation.adds_up,
            "fault_count": len(equation.faults),
            "faults": stock.faults,
        },
    }


def _view(stock: Stock) -> Group:
    topics = Table("topic", "records", box=None)
    topics.columns[0].no_wrap = True
    topics.columns[1].justify = "right"
    for topic in stock.topics:
        shown = f"≤ {topic.offsets:,}" if topic.records is None else f"{topic.records:,}"
        topics.add_row(topic.name, shown)
    groups = Table("consumer group", "members", "lag", "behind on", "dead letters", box=None)
    groups.columns[0].no_wrap = True
    for group in stock.groups:
        behind = ", ".join(f"{name} {lag:,}" for name, lag in group.lag_by_topic.items() if lag)
        row = (group.name, str(group.members), f"{group.lag:,}", behind, f"{group.dead_letters:,}")
        groups.add_row(*row, style="yellow" if group.lag or group.dead_letters else "")
    return Group(
        topics,
        Text(),
        groups,
        *_legend(stock),
        Text(),
        _equation(stock.reconciliation),
        *_faults(stock),
    )


def _legend(stock: Stock) -> list[Text]:
    """Explain the signs that the tables have, each where it is there."""
    lines = []
    if any(topic.records is None for topic in stock.topics):
        lines.append("≤ at the most: counted by offsets, transaction markers included")
    alone = INDEX_GROUPS[0]
    if any(group.name.endswith(alone) and not group.members for group in stock.groups):
        lines.append(f"{alone} has no members: each process reads every document for itself")
    return [Text(line, style="dim") for line in lines]


def _equation(equation: Reconciliation) -> Text:
    text = Text(
        f"{equation.requests:,} requests = {equation.results:,} results "
        f"+ {equation.rejected:,} rejected + {equation.duplicates:,} duplicates "
        f"+ {equation.dead_letters:,} dead letters + {equation.in_flight:,} in flight "
        f"({equation.being_worked_on:,} being worked on, "
        f"{equation.waiting_for_person:,} waiting for a person)\n"
    )
    if equation.lost:
        text.append(f"{equation.lost:,} lost: without an end, and on no way to one\n", style="red")
    if equation.expired:
        text.append(f"{equation.expired:,} more ends are of requests that are no longer kept\n")
    if equation.adds_up:
        return text.append("it adds up", style="green")
    return text.append("IT DOES NOT ADD UP", style="bold red")


def _faults(stock: Stock) -> list[Text]:
    lines = [
        Text(plain(f"  {fault.request_id} of {fault.request_source}: {fault.what}"))
        if fault.request_id is not None
        else Text(plain(f"  {fault.what}"))
        for fault in stock.faults
    ]
    more = len(stock.reconciliation.faults) - len(lines)
    return [*lines, Text(f"  and {more:,} more")] if more else lines
