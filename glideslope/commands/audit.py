"""`glideslope audit …`: what an auditor types."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from glideslope import terminal
from glideslope.audit import memory as memories
from glideslope.audit import view
from glideslope.audit.findings import Finding, Problem, Verdict, verdict
from glideslope.audit.keyring import keyring
from glideslope.audit.logs import NoLogError, Task, find_logs, verify_all
from glideslope.audit.memory import BadMemoryError, Remembered
from glideslope.audit.verification import Report
from glideslope.terminal import err, out
from services.audit.tlog.keystore import KeyStoreError
from services.audit.tlog.note import BadKeyError, VerifierKey

app = typer.Typer(
    no_args_is_help=True,
    help="Check the audit log, and prove what is in it.",
)

LOG_HELP = "Folder of a log, or of several; GLIDESLOPE_HOME/audit if not given."
KEY_STORE_HELP = (
    "Folder of the key store, to decrypt records with; GLIDESLOPE_HOME/keys if it is there."
)


@app.command("verify")
def verify(
    log: Annotated[Path | None, typer.Argument(help=LOG_HELP)] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Verifier key of a log, or of a witness that must have cosigned: the key, or a "
            "file that holds it. Repeatable."
        ),
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(
            help="File of what was seen at the last check: a log that was set back or made anew "
            "shows. Written after a check that found nothing.",
        ),
    ] = None,
    key_store: Annotated[Path | None, typer.Option(help=KEY_STORE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Check logs from their signatures down to each encrypted record, offline.

    Exit codes: 0 intact; 20 tampered with, and what, where; 21 incomplete: something is missing;
    22 unverifiable: no log, no key, or something cannot be read; 2 wrong usage. docs/audit.md
    tells what each finding means.
    """
    settings = terminal.settings()
    keys = tuple(_key(each) for each in key or ())
    try:
        known = {} if remember is None else memories.load(remember)
        place = log or settings.home / "audit"
        folders = find_logs(place)
        open_keys = keyring(key_store or settings.home / "keys")
        tasks = [Task(folder, keys, known, open_keys) for folder in folders]
        reports = _verify(tasks)
    except (BadMemoryError, NoLogError, KeyStoreError) as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    if folders != [place]:  # then these are all the logs there are
        reports += _missed(reports, known)
    came = verdict([finding for report in reports for finding in report.findings])
    if remember is not None and came is Verdict.INTACT:
        memories.save(
            remember, known | {each.origin: _seen(each) for each in reports if each.origin}
        )
    if as_json:
        terminal.print_json(view.as_data(reports, came))
    else:
        out.print(view.as_text(reports, came), soft_wrap=True)
    raise typer.Exit(came)


def _verify(tasks: Sequence[Task]) -> list[Report]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bars:
        shown = [bars.add_task(f"log {task.folder.name}", total=None) for task in tasks]

        def progress(place: int, done: int, size: int) -> None:
            bars.update(shown[place], completed=done, total=size or None)

        return verify_all(tasks, progress)


def _missed(reports: Sequence[Report], known: memories.Memory) -> list[Report]:
    """Return a report for each log that was there at the last check, and is not now."""
    found = {report.origin for report in reports}
    return [
        Report(
            origin,
            origin,
            findings=[
                Finding(
                    Problem.MISSING,
                    "checkpoint",
                    f"log {origin} had {each.size} entries at the last check, and is not here",
                )
            ],
        )
        for origin, each in known.items()
        if origin not in found
    ]


def _seen(report: Report) -> Remembered:
    return Remembered(report.size, report.root, report.checkpoints, report.keys)


def _key(text: str) -> VerifierKey:
    path = Path(text)
    try:
        return VerifierKey.parse(path.read_text(encoding="utf-8") if path.is_file() else text)
    except (BadKeyError, OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(
            f"{text!r} is no verifier key (name+id+base64) and no file that holds one: {error}",
            param_hint="--key",
        ) from error
