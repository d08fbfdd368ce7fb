"""The options that commands of `release` have in common, and the errors that they tell."""

import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

from glideslope import terminal
from glideslope.releases.registry import ReleaseError
from glideslope.releases.routes import RoutingError
from glideslope.terminal import CommandError

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)]
Who = Annotated[
    str | None, typer.Option(help="Who does it; else the name of the user of this machine.")
]
Why = Annotated[
    str | None, typer.Option(help="Why. It goes on the record; who is at a terminal is asked.")
]
Name = Annotated[
    str,
    typer.Argument(metavar="RELEASE", help="Its name, or the first digits of its hash."),
]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; what cannot be done is one line and an exit code."""
    return terminal.run(_told(work))


async def _told(work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    except (ReleaseError, RoutingError) as error:
        raise CommandError(str(error)) from error


def reason(why: str | None) -> str:
    """Return why something is done: as given, or as the person at the terminal says."""
    if why is None and sys.stdin.isatty():
        why = typer.prompt("why", err=True)
    if why is None or not why.strip():
        raise typer.BadParameter("say why it is done: it goes on the record", param_hint="--why")
    return why.strip()
