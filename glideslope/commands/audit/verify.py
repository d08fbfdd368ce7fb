"""`glideslope audit verify`: whether logs are as they were logged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.audit import memory as memories
from glideslope.audit import view
from glideslope.audit.findings import Finding, Problem, Verdict, verdict
from glideslope.audit.keyring import at_home_of, keyring
from glideslope.audit.logs import Task
from glideslope.audit.memory import BadMemoryError, Remembered
from glideslope.audit.places import default_place, find_logs
from glideslope.audit.verification import Report
from glideslope.audit.witnesses import Witnesses
from glideslope.commands.audit.arguments import AsJson, LogArgument, readable, verifier_key
from glideslope.commands.audit.bars import verify_shown
from services.audit.settings import AuditSettings
from services.audit.tlog.note import COSIGNATURE, VerifierKey


def command(  # noqa: PLR0913, PLR0917 - what an auditor may know beforehand
    log: LogArgument = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Verifier key of a log, or of a witness that must have cosigned: the key, or a "
            "file that holds it. Repeatable."
        ),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(help="Verifier key of a witness that must have cosigned. Repeatable."),
    ] = None,
    witness_max_age: Annotated[
        float | None,
        typer.Option(min=0, help="Age that a witness's newest cosignature may have, seconds."),
    ] = None,
    witnessed: Annotated[
        list[Path] | None,
        typer.Option(
            help="Checkpoints from the witness itself, a file or its folder of state: a log may "
            "keep cosignatures back. Repeatable."
        ),
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(
            help="File of what was seen at the last check: a log that was set back or made anew "
            "shows. Written after a check that found nothing.",
        ),
    ] = None,
    records: Annotated[
        bool, typer.Option(help="Read each encrypted record too, not the entries alone.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Check logs from their signatures down to each encrypted record.

    Exit codes: 0 intact; 20 tampered with, and what, where; 21 incomplete: something is missing;
    22 unverifiable: no log, no key, or something cannot be read; 2 wrong usage. docs/audit.md
    tells what each finding means.
    """
    settings = terminal.settings(AuditSettings)
    keys, cosigning = _verifiers(key or (), witness or ())
    witnesses = Witnesses(cosigning, witness_max_age, tuple(_notes(witnessed or ())))
    with readable():
        known = _remembered(remember)
        logs = find_logs(log, settings)
        open_keys = keyring(at_home_of(log, settings))
        tasks = [Task(each, keys, known, witnesses, open_keys, records) for each in logs]
        reports = verify_shown(tasks)
    if records and open_keys is None:
        _remark_no_keys(reports, at_home_of(log, settings).keys_folder)
    if [str(each) for each in logs] != [log or default_place(settings)]:
        reports += _missed(reports, known)  # these are all the logs there are
    came = verdict([finding for report in reports for finding in report.findings])
    if remember is not None and came is Verdict.INTACT:
        memories.save(
            remember, {**known, **{each.origin: _seen(each) for each in reports if each.origin}}
        )
    if as_json:
        terminal.print_json(view.as_data(reports, came))
    else:
        terminal.show(*view.as_text(reports, came))
    raise typer.Exit(came)


def _verifiers(
    keys: Sequence[str], witnesses: Sequence[str]
) -> tuple[tuple[VerifierKey, ...], tuple[VerifierKey, ...]]:
    """Return those of logs and those of witnesses: `--key` takes either."""
    given = [verifier_key(each, "--key") for each in keys]
    given += [verifier_key(each, "--witness") for each in witnesses]
    return (
        tuple(each for each in given if each.algorithm != COSIGNATURE),
        tuple(each for each in given if each.algorithm == COSIGNATURE),
    )


def _remark_no_keys(reports: Sequence[Report], where: Path) -> None:
    for report in reports:
        report.remarks.append(
            f"There are no keys in {where}, and no record was decrypted: the keys of this log "
            "are elsewhere. Name their home folder with GLIDESLOPE_HOME."
        )


def _notes(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Return the checkpoints in these files, and in the files of these folders."""
    try:
        files = [
            file
            for path in paths
            for file in (sorted(path.glob("*.checkpoint")) if path.is_dir() else [path])
        ]
        return [(str(file), file.read_bytes()) for file in files]
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="--witnessed") from error


def _remembered(path: Path | None) -> memories.Memory:
    try:
        return {} if path is None else memories.load(path)
    except BadMemoryError as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None


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
