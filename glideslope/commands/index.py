"""`glideslope index`: documents published until they can be found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as ProgressBar
from rich.text import Text

from glideslope import terminal
from glideslope.documents import DocumentError, Found, find, load
from glideslope.indexing import Progress, publish
from glideslope.terminal import Exit, err, out, plain
from shared.events import DocumentSubmitted

_NAMED_AT_MOST = 10


def command(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Text files (.txt, .md), or folders, which are searched for them.", exists=True
        ),
    ] = None,
    delete: Annotated[
        list[str] | None, typer.Option(help="A document id to remove. Repeatable.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose documents.")] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="A group that may see them; none named: everyone. Repeatable."),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until they can be found.")] = True,
    timeout: Annotated[
        float, typer.Option(help="How long to wait after the last one, in seconds.", min=0.1)
    ] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Publish documents and wait until they can be found.

    A document's id is its path relative to the folder that was named; publishing it again
    replaces it. Its title is a Markdown file's first heading, or else the file's name.

    Exit codes: 0 all indexed (with --no-wait: published); 1 a file cannot be read, nothing is
    published; 3 the cluster cannot be worked with; 5 some were rejected; 6 some are not indexed
    in time.
    """
    if not paths and not delete:
        raise typer.BadParameter("name files or folders, or a document with --delete")
    groups = None if group is None else tuple(group)
    try:
        found = find(paths) if paths else Found({}, 0)
        for document_id, path in found.files.items():
            load(document_id, path)  # all can be read before the first is published
    except DocumentError as error:
        terminal.complain(str(error))
        raise typer.Exit(Exit.FAILED) from None
    with ProgressBar(console=err, transient=True) as bar:
        progress = _shown(bar, len(found.files) + len(delete or ()), wait=wait)
        terminal.run(
            publish(
                _documents(found, groups, delete or []),
                terminal.cluster_settings(),
                progress,
                tenant=tenant,
                seconds=timeout if wait else None,
            )
        )
    if as_json:
        _print_json(progress, found.skipped, wait=wait)
    else:
        _show(progress, found.skipped, wait=wait)
    raise typer.Exit(_exit_code(progress, wait=wait))


def _documents(
    found: Found, groups: tuple[str, ...] | None, deleted: list[str]
) -> Iterator[DocumentSubmitted]:
    for document_id, path in found.files.items():
        yield load(document_id, path, groups=groups)
    for document_id in deleted:
        yield DocumentSubmitted(document_id=document_id, deleted=True)


def _exit_code(progress: Progress, *, wait: bool) -> Exit:
    if progress.rejected:
        return Exit.REJECTED
    return Exit.OK if progress.done or not wait else Exit.TIMEOUT


def _shown(bar: ProgressBar, total: int, *, wait: bool) -> Progress:
    """Return a progress whose changes move the bars."""
    publishing = bar.add_task("published", total=total)
    indexing = bar.add_task("indexed", total=total, visible=wait)

    def show() -> None:
        bar.update(publishing, completed=len(progress.published))
        bar.update(indexing, completed=len(progress.indexed) + len(progress.rejected))

    progress = Progress(changed=show)
    return progress


def _print_json(progress: Progress, skipped: int, *, wait: bool) -> None:
    terminal.print_json(
        {
            "published": sorted(progress.published),
            "skipped": skipped,
            "waited": wait,
            "indexed": sorted(progress.indexed),
            "rejected": progress.rejected,
            "not_accepted": sorted(progress.unjudged) if wait else [],
            "not_indexed": sorted(progress.unindexed),
        }
    )


def _show(progress: Progress, skipped: int, *, wait: bool) -> None:
    out.print(f"published {len(progress.published)}, skipped {skipped} of other types")
    for document_id, message in sorted(progress.rejected.items()):
        out.print(
            Text("rejected ", style="red").append(plain(f"{document_id}: {message}"), "default"),
            soft_wrap=True,
        )
    if not wait:
        return
    out.print(f"indexed {len(progress.indexed)}")
    _show_missing("neither accepted nor rejected (does ingest run?)", progress.unjudged)
    _show_missing("accepted, but not indexed (does inference run?)", progress.unindexed)


def _show_missing(what: str, missing: set[str]) -> None:
    if missing:
        named = sorted(missing)[:_NAMED_AT_MOST]
        more = f" and {len(missing) - len(named)} more" if len(missing) > len(named) else ""
        out.print(Text(plain(f"{what}: {', '.join(named)}{more}")), soft_wrap=True)
