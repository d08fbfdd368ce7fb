"""The stack in the foreground: until Ctrl-C drains it, or until a part of it dies."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.markup import escape

from glideslope.child import ServiceDiedError
from glideslope.interruption import interruptible
from glideslope.stack import Stack
from glideslope.supervisor import EventName, Report, StackEvent
from shared.settings import Settings


async def up(settings: Settings, report: Report, *, emulate: bool = False) -> int:
    """Run the stack, with emulated models if `emulate`; return the exit code of the command.

    0 after a clean drain on SIGINT or SIGTERM, 1 when a service would not drain in time, else the
    exit code of what died (1 if that was 0: nothing may end unasked). A second signal kills
    the services and ends this process, and the local broker with it.
    """
    stack = Stack(settings, emulate=emulate, report=report)
    return await interruptible(_run(stack), stack.kill_all)


async def _run(stack: Stack) -> int:
    try:
        async with stack:
            death = await stack.died()
    except ServiceDiedError as early:
        death = early
    except asyncio.CancelledError:
        return 0 if stack.drained else 1
    return death.exit_code or 1


def report_json(event: StackEvent) -> None:
    """Print an event as one line of JSON."""
    print(json.dumps(event.fields()), flush=True)  # noqa: T201 - the command's output


class Readable:
    """Prints events for people, a line or a few each; without `sign_in` no reviewer can."""

    def __init__(self, console: Console, *, sign_in: bool = True) -> None:
        self._console = console
        self._lines = _LINES if sign_in else {**_LINES, "review": _SIGN_IN_OFF}

    def __call__(self, event: StackEvent) -> None:
        """Print one event."""
        who, what, style = self._lines[event.event]
        fields = {name: "" if value is None else value for name, value in asdict(event).items()}
        self._console.print(
            f"{who.format(**fields):<10} {escape(what.format(**fields))}".rstrip(),
            style=style,
            soft_wrap=True,
            highlight=False,
        )


_LINES: Final[Mapping[EventName, tuple[str, str, str]]] = {
    "progress": ("kafka", "{note}", "dim"),
    "kafka": ("kafka", "at {bootstrap_servers}", ""),
    "topics": ("topics", "{topics} in place", ""),
    "emulator": ("emulator", "{note}", "yellow"),
    "started": ("{service}", "process {pid}, log {log}", "dim"),
    "service_ready": ("{service}", "ready  {note}", "green"),
    "review": ("review", "page at {note}", ""),
    "ready": (
        "ready",
        (
            "KAFKA_BOOTSTRAP_SERVERS={bootstrap_servers}\n"
            "           Ctrl-C drains and stops, a second one kills"
        ),
        "bold",
    ),
    "draining": ("stopping", "services finish what they have begun", ""),
    "drained": ("{service}", "ended, exit code {exit_code}", ""),
    "killed": ("{service}", "did not drain in time and was killed", "red"),
    "died": (
        "{service}",
        "died with exit code {exit_code}\n{last_lines}\nThe whole log: {log}",
        "red",
    ),
    "stopped": ("stopped", "", "bold"),
}
"""How each event reads: who, what, and rich's style."""

_SIGN_IN_OFF: Final = (
    "review",
    (
        "page at {note}\n"
        "           nobody can sign in: GLIDESLOPE_REVIEW_SIGN_IN=local glideslope up prints a link"
    ),
    "",
)
