"""`glideslope audit show`: all that the logs hold of a request."""

from contextlib import closing, nullcontext
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.audit import view
from glideslope.audit.history import Found, entries_of
from glideslope.audit.keyring import at_home_of, keyring
from glideslope.audit.places import find_logs
from glideslope.commands.audit.arguments import REQUEST_HELP, AsJson, Log, Source, readable
from glideslope.terminal import Exit
from services.audit.settings import AuditSettings
from shared import topics
from shared.release import Release
from shared.topics import Topic


def command(
    request_id: Annotated[str, typer.Argument(help=REQUEST_HELP)],
    log: Log = None,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Show what the logs hold of a request, a line an entry, decrypted where its keys are there.

    With `--json` each record stands there whole. It reads the whole log and proves nothing:
    `verify` and `export` do. Exit codes: 0; 1 nothing is there of this request; 22 the log or the
    keys cannot be read.
    """
    settings = terminal.settings(AuditSettings)
    found, _ = of_request(settings, request_id, log, source)
    if as_json:
        terminal.print_json([each.as_data() for each in found])
    else:
        terminal.show(view.history(found, _names(settings)))


def of_request(
    settings: AuditSettings, request_id: str, log: str | None, source: str | None
) -> tuple[list[Found], dict[str, Release]]:
    """Return the entries about a request and the releases that are known, or leave."""
    names = _names(settings)
    with readable():
        logs = find_logs(log, settings)
        near = at_home_of(log, settings)
        open_keys = keyring(near)
        keys = None if open_keys is None else open_keys()
        if keys is None:
            terminal.complain(f"there are no keys in {near.keys_folder}: nothing is decrypted")
        with closing(keys) if keys is not None else nullcontext():
            found, releases = entries_of(logs, keys, request_id, names, source)
    if not found:
        terminal.complain(
            f"the logs hold nothing of request {request_id}: look up its id (its event's ce_id), "
            "or name another folder with --log"
        )
        raise typer.Exit(Exit.FAILED)
    return found, releases


def _names(settings: AuditSettings) -> dict[str, Topic]:
    return {settings.topic(topic): topic for topic in topics.ALL}
