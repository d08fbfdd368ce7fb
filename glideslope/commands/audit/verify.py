"""`glideslope audit …`: what an auditor types."""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from glideslope import terminal
from glideslope.audit import memory as memories
from glideslope.audit import view
from glideslope.audit.erasure import log_key_events
from glideslope.audit.evidence import NoEvidenceError, write_bundle
from glideslope.audit.findings import Finding, Problem, Verdict, verdict
from glideslope.audit.history import Found, entries, entries_of, release_of
from glideslope.audit.keyring import keyring
from glideslope.audit.keys import read_keys
from glideslope.audit.logs import NoLogError, Task, find_logs, verify_all
from glideslope.audit.memory import BadMemoryError, Remembered
from glideslope.audit.objects import FolderObjects
from glideslope.audit.serve import served
from glideslope.audit.verification import Report
from glideslope.terminal import Exit, err, out, plain
from services.audit.log import LogError
from services.audit.settings import AuditSettings
from services.audit.tlog.keystore import (
    HeldError,
    KeyStore,
    KeyStoreError,
    Owner,
    UnknownSubjectError,
)
from services.audit.tlog.note import BadKeyError, VerifierKey
from shared import topics
from shared.release import Release

app = typer.Typer(
    no_args_is_help=True,
    help="Check the audit log, and prove what is in it.",
)

REQUEST_HELP = "The request's id: the id of its CloudEvent."
SOURCE_HELP = "The request's source, where several senders use one id."
SUBJECT_HELP = "The person, as ce_subject of their events says."
TENANT_HELP = "Whose person; the default tenant if not given."
LOG_HELP = "Folder of a log, or of several; GLIDESLOPE_HOME/audit if not given."


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
    records: Annotated[
        bool, typer.Option(help="Read each encrypted record too, not the entries alone.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Check logs from their signatures down to each encrypted record, offline.

    Exit codes: 0 intact; 20 tampered with, and what, where; 21 incomplete: something is missing;
    22 unverifiable: no log, no key, or something cannot be read; 2 wrong usage. docs/audit.md
    tells what each finding means.
    """
    settings = terminal.settings(AuditSettings)
    keys = tuple(_key(each) for each in key or ())
    try:
        known = {} if remember is None else memories.load(remember)
        place = log or settings.home / "audit"
        folders = find_logs(place)
        open_keys = keyring(settings)
        tasks = [Task(folder, keys, known, open_keys, records) for folder in folders]
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


@app.command("show")
def show(
    request_id: Annotated[str, typer.Argument(help=REQUEST_HELP)],
    log: Annotated[Path | None, typer.Option(help=LOG_HELP)] = None,
    source: Annotated[str | None, typer.Option(help=SOURCE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Show all that the logs hold of a request, decrypted where its keys are there.

    It reads the whole log and proves nothing: `verify` and `export` do. Exit codes: 0; 1 nothing
    is there of this request; 22 the log or the keys cannot be read.
    """
    settings = terminal.settings(AuditSettings)
    found, _ = _found(settings, request_id, log, source)
    data = [each.as_data() for each in found]
    if as_json:
        terminal.print_json(data)
    else:
        out.print(view.history(data), soft_wrap=True)


@app.command("export")
def export(
    request_id: Annotated[str, typer.Argument(help=REQUEST_HELP)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip file to write.")],
    log: Annotated[Path | None, typer.Option(help=LOG_HELP)] = None,
    source: Annotated[str | None, typer.Option(help=SOURCE_HELP)] = None,
    key: Annotated[
        str | None, typer.Option(help="Verifier key of the log; if not given, the log's own.")
    ] = None,
) -> None:
    """Write a bundle of evidence about a request, to be checked where there is no Glideslope.

    Each entry with its inclusion proof and the signed checkpoint, the records, the release's
    manifest, and a script that checks it all in plain Python. Exit codes: 0; 1 nothing is there of
    this request; 22 the log or the keys cannot be read, or prove nothing.
    """
    settings = terminal.settings(AuditSettings)
    found, releases = _found(settings, request_id, log, source)
    if len({each.log for each in found}) > 1:
        terminal.complain(
            f"request {request_id} is in several logs: name one with --log, or its sender with "
            "--source"
        )
        raise typer.Exit(Exit.FAILED)
    objects = FolderObjects(found[0].log)
    own = read_keys(objects, set(objects.names())).keys
    pinned = release_of(found)
    manifests = {} if pinned not in releases else {pinned: releases[pinned]}
    try:
        keys = own if key is None else [_key(key)]
        write_bundle(output, request_id, found, keys, manifests)
    except (NoEvidenceError, OSError) as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    out.print(f"{len(found)} entries of log {found[0].origin} in {output}", soft_wrap=True)


@app.command("dump")
def dump(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    since: Annotated[
        datetime | None, typer.Option("--from", help="Records that Kafka took then or later; UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="Records that Kafka took before then; UTC.")
    ] = None,
    log: Annotated[Path | None, typer.Option(help=LOG_HELP)] = None,
) -> None:
    """Write what is logged as JSON Lines, for a warehouse: one entry a line, decrypted.

    It holds personal data, and no erasure reaches it. Exit codes: 0; 22 a log or the keys cannot
    be read.
    """
    settings = terminal.settings(AuditSettings)
    first = -math.inf if since is None else since.replace(tzinfo=UTC).timestamp() * 1000
    end = math.inf if until is None else until.replace(tzinfo=UTC).timestamp() * 1000
    written = 0
    try:
        logs = find_logs(log or settings.home / "audit")
        open_keys = keyring(settings)
        keys = None if open_keys is None else open_keys()
        with (
            closing(keys) if keys is not None else nullcontext(),
            output.open("w", encoding="utf-8") as file,
        ):
            for found in chain.from_iterable(entries(each, keys) for each in logs):
                if first <= found.leaf.position.timestamp < end:
                    file.write(json.dumps(found.as_data(), ensure_ascii=False) + "\n")
                    written += 1
    except (KeyStoreError, LogError, NoLogError, OSError) as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    out.print(f"{written} entries in {output}", soft_wrap=True, markup=False)


@app.command("erase")
def erase(
    subject: Annotated[str, typer.Argument(help=SUBJECT_HELP)],
    reason: Annotated[str, typer.Option(help="Why; it is logged, encrypted for the tenant.")],
    tenant: Annotated[str | None, typer.Option(help=TENANT_HELP)] = None,
) -> None:
    """Erase a person: destroy the key of their records, and log that it was done.

    It cannot be undone. Every proof still holds. Results that left, and what other systems keep,
    are not touched. Exit codes: 0; 1 refused because of a legal hold, or nobody of that name;
    22 the keys or a log cannot be opened.
    """
    _change_keys(tenant, subject, lambda keys, owner: keys.erase(owner, reason), "erased")


@app.command("hold")
def hold(
    subject: Annotated[str, typer.Argument(help=SUBJECT_HELP)],
    reason: Annotated[str, typer.Option(help="Why; it is logged, encrypted for the tenant.")],
    tenant: Annotated[str | None, typer.Option(help=TENANT_HELP)] = None,
) -> None:
    """Put a person under a legal hold: they are not erased until it is released."""
    _change_keys(tenant, subject, lambda keys, owner: keys.hold(owner, reason), "under a hold")


@app.command("release")
def release(
    subject: Annotated[str, typer.Argument(help=SUBJECT_HELP)],
    reason: Annotated[str, typer.Option(help="Why; it is logged, encrypted for the tenant.")],
    tenant: Annotated[str | None, typer.Option(help=TENANT_HELP)] = None,
) -> None:
    """End a person's legal hold."""
    _change_keys(tenant, subject, lambda keys, owner: keys.release(owner, reason), "released")


def _change_keys(
    tenant: str | None, subject: str, change: Callable[[KeyStore, Owner], object], done: str
) -> None:
    settings = terminal.settings(AuditSettings)
    owner = Owner(tenant or settings.default_tenant, subject)
    refusal: KeyStoreError | None = None
    try:
        open_keys = keyring(settings)
        if open_keys is None:
            terminal.complain(f"there are no keys in {settings.keys_folder}: nothing to change")
            raise typer.Exit(Verdict.UNVERIFIABLE)
        with closing(open_keys()) as keys:
            try:
                change(keys, owner)
            except (HeldError, UnknownSubjectError) as error:
                refusal = error  # a refusal is logged too
        logged = log_key_events(settings, find_logs(settings.home / "audit"))
    except (KeyStoreError, LogError, NoLogError) as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    if refusal is not None:
        terminal.complain(str(refusal))
        raise typer.Exit(Exit.FAILED)
    follow = ", ".join(logged.to_follow)
    out.print(
        f"{done}: {plain(subject)} of {plain(owner.tenant)}; logged in {len(logged.done)} logs"
        + (f", and by the running audit in {follow} before its next record" if follow else ""),
        soft_wrap=True,
        markup=False,
    )


@app.command("serve")
def serve(
    log: Annotated[Path | None, typer.Argument(help=LOG_HELP)] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8088,
) -> None:
    """Serve checkpoints and tiles over HTTP, read only, for standard clients and witnesses.

    Each log under its folder's name: http://HOST:PORT/0/checkpoint, /0/tile/…
    """
    try:
        logs = find_logs(log or terminal.settings(AuditSettings).home / "audit")
    except NoLogError as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    for each in logs:
        err.print(f"http://{host}:{port}/{each.name}/checkpoint", soft_wrap=True, markup=False)
    uvicorn.run(served({each.name: each for each in logs}), host=host, port=port, log_level="error")


def _found(
    settings: AuditSettings, request_id: str, log: Path | None, source: str | None
) -> tuple[list[Found], dict[str, Release]]:
    """Return the entries about a request and the releases that are known, or leave."""
    names = {settings.topic(topic): topic for topic in topics.ALL}
    try:
        logs = find_logs(log or settings.home / "audit")
        open_keys = keyring(settings)
        keys = None if open_keys is None else open_keys()
        if keys is None:
            terminal.complain(f"there are no keys in {settings.keys_folder}: nothing is decrypted")
        with closing(keys) if keys is not None else nullcontext():
            found, releases = entries_of(logs, keys, request_id, names, source)
    except (KeyStoreError, LogError, NoLogError) as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    if not found:
        terminal.complain(
            f"the logs hold nothing of request {request_id}: look up its id (its event's ce_id), "
            "or name another folder with --log"
        )
        raise typer.Exit(Exit.FAILED)
    return found, releases


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
