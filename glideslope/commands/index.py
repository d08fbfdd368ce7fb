"""`glideslope index`: documents published until they can be found."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from glideslope import terminal
from glideslope.documents import SUPPORTED, DocumentError, Found, Terms, find
from glideslope.indexing import Progress
from glideslope.intake import Order, take
from glideslope.terminal import Exit, err, out, plain

_NAMED_AT_MOST = 10


def command(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help=f"Files ({', '.join(SUPPORTED)}), or folders, which are searched for them.",
            exists=True,
        ),
    ] = None,
    delete: Annotated[
        list[str] | None, typer.Option(help="A document id to remove. Repeatable.")
    ] = None,
    delete_subject: Annotated[
        list[str] | None,
        typer.Option(help="A person all of whose documents are to be removed. Repeatable."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose documents.")] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="A group that may see them; none named: everyone. Repeatable."),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(help="Which state of them it is; if not given, a hash of what they say."),
    ] = None,
    valid_from: Annotated[
        datetime | None,
        typer.Option(
            help="Nothing of them is found before this time; in UTC, if it names no offset.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="The person whose data they are: erasing the person removes them."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Send unchanged files, too.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until they can be found.")] = True,
    timeout: Annotated[
        float, typer.Option(help="How long to wait after the last one, in seconds.", min=0.1)
    ] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Publish documents and wait until they can be found.

    A document's id is its path relative to the folder that was named; publishing it again
    replaces it. Its title is what the file says, else the file's name. A file that is there
    unchanged, under the same options, is not sent again, so that a run that was interrupted goes
    on where it was. One that does not fit into a record is sent in parts: docs/documents.md.

    Exit codes: 0 all indexed (with --no-wait: published) or there unchanged; 1 some files cannot
    be read, or a document to delete is not there, the rest went on; 3 the cluster cannot be worked
    with; 5 some were rejected; 6 some are not indexed in time.
    """
    if not paths and not delete and not delete_subject:
        raise typer.BadParameter("name files or folders, or a document with --delete")
    if valid_from is not None and valid_from.tzinfo is None:
        valid_from = valid_from.replace(tzinfo=UTC)
    terms = Terms(None if group is None else tuple(group), version, valid_from, subject)
    found = _found(paths or [])
    order = Order(found, terms, tuple(delete or ()), tuple(delete_subject or ()), again)
    progress = _taken(order, tenant, timeout if wait else None)
    (_print_json if as_json else _show)(progress, found, wait=wait)
    raise typer.Exit(_exit_code(progress, wait=wait))


def _found(paths: list[Path]) -> Found:
    try:
        return find(paths) if paths else Found()
    except DocumentError as error:
        terminal.complain(str(error))
        raise typer.Exit(Exit.FAILED) from None


def _taken(order: Order, tenant: str | None, seconds: float | None) -> Progress:
    """Do what is ordered, and show how it gets on."""
    with ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    ) as bar:
        progress = _shown(bar, len(order.found.files), wait=seconds is not None)
        settings = terminal.cluster_settings()
        terminal.run(take(order, settings, progress, tenant=tenant, seconds=seconds))
    return progress


def _exit_code(progress: Progress, *, wait: bool) -> Exit:
    if progress.rejected:
        return Exit.REJECTED
    if wait and not progress.done:
        return Exit.TIMEOUT
    return Exit.FAILED if progress.unreadable or progress.absent else Exit.OK


def _shown(bar: ProgressBar, files: int, *, wait: bool) -> Progress:
    """Return a progress whose changes move the bars."""
    reading = bar.add_task("files", total=files, visible=files > 0)
    indexing = bar.add_task("indexed", total=None, visible=wait)
    started: set[str] = set()

    def show() -> None:
        started.update(progress.unchanged, progress.unreadable, progress.published)
        done = len(progress.indexed) + len(progress.rejected)
        bar.update(reading, completed=min(len(started), files))
        bar.update(indexing, total=len(progress.published), completed=done)

    progress = Progress(changed=show)
    return progress


def _print_json(progress: Progress, found: Found, *, wait: bool) -> None:
    terminal.print_json(
        {
            "published": sorted(progress.published),
            "unchanged": sorted(progress.unchanged),
            "unreadable": progress.unreadable,
            "notes": progress.notes,
            "skipped": sum(found.skipped.values()),
            "waited": wait,
            "indexed": sorted(progress.indexed),
            "deleted": sorted(_gone(progress)),
            "absent": sorted(progress.absent),
            "rejected": progress.rejected,
            "not_accepted": sorted(progress.unjudged) if wait else [],
            "not_indexed": sorted(progress.unindexed),
        }
    )


def _show(progress: Progress, found: Found, *, wait: bool) -> None:
    types = ", ".join(suffix or "without a suffix" for suffix in sorted(found.skipped))
    of_types = f" ({plain(types)})" if types else ""
    out.print(
        f"published {len(progress.published - progress.to_delete)}, "
        f"unchanged {len(progress.unchanged)}, unreadable {len(progress.unreadable)}, "
        f"skipped {sum(found.skipped.values())} of other types{of_types}",
        soft_wrap=True,
        markup=False,
    )
    for document_id in sorted(progress.absent):
        _print_one("absent", "red", f"{document_id}: no document has that id, nothing was deleted")
    for document_id, reason in sorted(progress.unreadable.items()):
        _print_one("unreadable", "red", f"{document_id} {reason}")
    for document_id, message in sorted(progress.rejected.items()):
        _print_one("rejected", "red", f"{document_id}: {message}")
    for document_id, notes in sorted(progress.notes.items()):
        for note in notes:
            _print_one("note", "yellow", f"{document_id}: {note}")
    if not wait:
        return
    deleted = f", deleted {len(_gone(progress))}" if progress.to_delete else ""
    out.print(f"indexed {len(progress.indexed - progress.to_delete)}{deleted}")
    _show_missing("neither accepted nor rejected (does ingest run?)", progress.unjudged)
    _show_missing("accepted, but not indexed (does inference run?)", progress.unindexed)


def _gone(progress: Progress) -> set[str]:
    return (progress.indexed & progress.to_delete) - progress.absent


def _print_one(what: str, style: str, said: str) -> None:
    out.print(Text(f"{what} ", style=style).append(plain(said), "default"), soft_wrap=True)


def _show_missing(what: str, missing: set[str]) -> None:
    if missing:
        named = sorted(missing)[:_NAMED_AT_MOST]
        more = f" and {len(missing) - len(named)} more" if len(missing) > len(named) else ""
        out.print(Text(plain(f"{what}: {', '.join(named)}{more}")), soft_wrap=True)
