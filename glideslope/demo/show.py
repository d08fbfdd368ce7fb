"""How the demo looks: a live table on a terminal, plain lines anywhere else."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from glideslope.demo.history import HistoryLine
from glideslope.demo.journey import Journey, Journeys
from glideslope.reconciliation import Reconciliation
from glideslope.samples.questions import QUESTIONS
from shared import topics
from shared.settings import Settings

_PLAIN_WIDTH = 120
"""Columns where there is no terminal, as in a CI log."""

_COLOURS = {
    "answered": "green",
    "answered_by_person": "cyan",
    "refused": "yellow",
    "rejected": "yellow",
    "duplicated": "yellow",
    "dead letter": "magenta",
}


def console() -> Console:
    """Return a console for standard output that is wide enough to be read in a log."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


class Watching:
    """Shows journeys while they last: redraws a table, or prints a line at each end."""

    def __init__(self, console: Console, journeys: Journeys, live: Live | None) -> None:
        self._console = console
        self._journeys = journeys
        self._live = live

    def moved(self, journey: Journey) -> None:
        """Show that a journey got further."""
        if self._live is not None:
            self._live.update(_moving(self._journeys))
        elif journey.ends:
            way = " → ".join(topic.name for topic in journey.seen)
            self._console.print(
                f"{journey.sample.id}  {journey.ends[-1]:<18}  {way}", soft_wrap=True
            )


@contextmanager
def watching(console: Console, journeys: Journeys) -> Iterator[Watching]:
    """Show journeys as long as the context lasts."""
    if not console.is_terminal:
        yield Watching(console, journeys, None)
        return
    with Live(_moving(journeys), console=console, transient=True) as live:
        yield Watching(console, journeys, live)


def show_outcomes(console: Console, journeys: Sequence[Journey]) -> None:
    """Print how every question ended: the outcome, how sure, and its place in the audit log."""
    table = Table("id", "what it shows", "end", "confidence", "receipt", "answer or reason")
    for journey in journeys:
        table.add_row(
            journey.sample.id,
            journey.sample.shows,
            _end(journey),
            _confidence(journey),
            _receipt(journey),
            Text(journey.says or journey.reason or ""),
        )
    console.print(table)


def show_reconciliation(console: Console, counted: Reconciliation) -> None:
    """Print the equation that must hold."""
    console.print(
        f"requests {counted.requests} = results {counted.results} + rejected {counted.rejected} "
        f"+ duplicates {counted.duplicates} + dead letters {counted.dead_letters} "
        f"+ in flight {counted.in_flight}: "
        + ("[green]it adds up[/]" if counted.adds_up else "[bold red]it does not add up[/]")
    )


def show_history(console: Console, journey: Journey, entries: Sequence[HistoryLine]) -> None:
    """Print what the audit log holds of one request."""
    table = Table("entry", "time (UTC)", "topic", "what happened")
    for entry in entries:
        table.add_row(
            str(entry.index),
            entry.at.strftime("%H:%M:%S.%f")[:-3],
            entry.topic,
            Text(entry.summary),
        )
    console.print(f"What the audit log holds of {journey.sample.id}, {journey.sample.shows}:")
    console.print(table)


def show_next(console: Console, settings: Settings, *, keep: bool) -> None:
    """Print what can be done now: with the log that the demo leaves, and with what stays up."""
    me = sys.argv[0] if Path(sys.argv[0]).name == "glideslope" else "glideslope"
    home = _near(settings.home)
    prefix = settings.topic_prefix
    commands = [f"{me} audit verify {home / 'audit'}"]
    if keep:
        environment = f"GLIDESLOPE_HOME={home}"
        if prefix:  # on a cluster that others use as well
            environment += (
                f" GLIDESLOPE_TOPIC_PREFIX={prefix}"
                f" KAFKA_BOOTSTRAP_SERVERS={settings.bootstrap_servers}"
            )
        commands = [
            f"export {environment}",
            f"{me} status",
            f'{me} ask "What is the highest Flexline limit?"',
            *commands,
        ]
    elif not prefix:
        commands += [
            f"{me} audit show {QUESTIONS[0].id} --log {home / 'audit'}",
            "DEMO_KEEP=1 make demo   # the same, and it stays up",
            f"{me} up                # a stack of your own",
        ]
    console.print("Next," + (" in another terminal:" if keep else ""))
    for command in commands:
        console.print(f"  {command}", soft_wrap=True, markup=False)


def _near(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _moving(journeys: Journeys) -> Table:
    table = Table("id", "question", "seen last on", "end", "confidence", "receipt")
    for journey in journeys.all:
        last = journey.seen[-1] if journey.seen else topics.REQUESTS
        table.add_row(
            journey.sample.id,
            Text(journey.sample.question, no_wrap=True, overflow="ellipsis"),
            last.name,
            _end(journey),
            _confidence(journey),
            _receipt(journey),
        )
    return table


def _end(journey: Journey) -> Text:
    return Text.assemble(*((end, _COLOURS[end]) for end in journey.ends))


def _confidence(journey: Journey) -> str:
    if journey.result is None:
        return ""
    confidence = journey.result.confidence
    return f"{confidence.probability:.2f}" + (" (draft)" if confidence.about == "draft" else "")


def _receipt(journey: Journey) -> str:
    if journey.result is None:
        return ""
    receipt = journey.result.receipt
    return f"{receipt.origin} #{receipt.index}"
