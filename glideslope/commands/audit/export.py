"""`glideslope audit export`: a request with its proofs, or the entries of a time."""

import math
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.audit import warehouse
from glideslope.audit.evidence import NoEvidenceError, write_bundle
from glideslope.audit.findings import Verdict
from glideslope.audit.history import Found, entries, release_of
from glideslope.audit.keyring import at_home_of, keyring
from glideslope.audit.keys import read_keys
from glideslope.audit.places import find_logs
from glideslope.commands.audit.arguments import Log, Source, readable, verifier_key
from glideslope.commands.audit.show import of_request
from glideslope.terminal import Exit, out
from services.audit.settings import AuditSettings
from shared.release import Release


class Format(StrEnum):
    """How the entries of a time are written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def command(  # noqa: PLR0913, PLR0917 - two commands in one, as an auditor thinks of them
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    request_id: Annotated[
        str | None,
        typer.Argument(help="The id of a request, for evidence of it. Without: all entries."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", help="Records that Kafka took then or later; UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="Records that Kafka took before then; UTC.")
    ] = None,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Of all entries; if not given, as the file's name ends."),
    ] = None,
    log: Log = None,
    source: Source = None,
    key: Annotated[
        str | None, typer.Option(help="Verifier key of the log; if not given, the log's own.")
    ] = None,
) -> None:
    """Write evidence of a request for another machine, or the entries of a time for a warehouse.

    With REQUEST_ID it is a zip file: each entry with its inclusion proof and the signed checkpoint,
    the records, the release's manifest, and a script that checks it all in plain Python. Without,
    it is Parquet or JSON Lines, one entry a row, decrypted: it holds personal data, and no erasure
    reaches it. Exit codes: 0; 1 nothing is there of this request; 22 the log or the keys cannot be
    read, or prove nothing.
    """
    settings = terminal.settings(AuditSettings)
    if request_id is None:
        if source is not None or key is not None:
            raise typer.BadParameter("--source and --key are of a request: give its id")
        written = _all(settings, output, log, (since, until), _format(file_format, output))
        out.print(f"{written} entries in {output}", soft_wrap=True, markup=False)
        return
    if since is not None or until is not None or file_format is not None:
        raise typer.BadParameter("--from, --to and --format are of all entries: give no request")
    found, releases = of_request(settings, request_id, log, source)
    _evidence(output, request_id, found, releases, key)
    out.print(f"{len(found)} entries of log {found[0].origin} in {output}", soft_wrap=True)


def _evidence(
    output: Path, request_id: str, found: list[Found], releases: dict[str, Release], key: str | None
) -> None:
    if len({str(each.log) for each in found}) > 1:
        terminal.complain(
            f"request {request_id} is in several logs: name one with --log, or its sender with "
            "--source"
        )
        raise typer.Exit(Exit.FAILED)
    pinned = release_of(found)
    manifests = {} if pinned not in releases else {pinned: releases[pinned]}
    with readable(), closing(found[0].log.open()) as objects:
        own = read_keys(objects, set(objects.names())).keys
        keys = own if key is None else [verifier_key(key, "--key")]
        try:
            write_bundle(output, objects, request_id, found, keys, manifests)
        except NoEvidenceError as error:
            terminal.complain(str(error))
            raise typer.Exit(Verdict.UNVERIFIABLE) from None


def _all(
    settings: AuditSettings,
    output: Path,
    log: str | None,
    between: tuple[datetime | None, datetime | None],
    file_format: Format,
) -> int:
    since, until = between
    first = -math.inf if since is None else since.replace(tzinfo=UTC).timestamp() * 1000
    end = math.inf if until is None else until.replace(tzinfo=UTC).timestamp() * 1000
    write = warehouse.write_parquet if file_format is Format.PARQUET else warehouse.write_lines
    with readable():
        logs = find_logs(log, settings)
        open_keys = keyring(at_home_of(log, settings))
        keys = None if open_keys is None else open_keys()
        with closing(keys) if keys is not None else nullcontext():
            found = chain.from_iterable(entries(each, keys) for each in logs)
            wanted = (each for each in found if first <= each.leaf.position.timestamp < end)
            try:
                return write(output, (each.as_data() for each in wanted))
            except warehouse.NoParquetError as error:
                terminal.complain(str(error))
                raise typer.Exit(Exit.FAILED) from None


def _format(given: Format | None, output: Path) -> Format:
    if given is not None:
        return given
    try:
        return Format(output.suffix.removeprefix("."))
    except ValueError:
        raise typer.BadParameter(
            f"{output} ends in neither .jsonl nor .parquet: say which with --format",
            param_hint="--output",
        ) from None
