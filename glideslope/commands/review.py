"""`glideslope review`: a person decides on the answers that could not be vouched for."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import click
import typer
from rich.table import Column, Table
from rich.text import Text

from glideslope import terminal
from glideslope.review import Item, Queue, ReviewError, decide, load
from glideslope.terminal import CommandError, out, person, plain
from shared.events import Answer, ReviewDecided
from shared.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Decide on the answers that wait for a person: `fallback.review`."
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the request.")]
_Source = Annotated[
    str | None, typer.Option(help="Source of the request, where several have its id.")
]
_Reviewer = Annotated[
    str | None, typer.Option(help="Who decides; else the name of the user of this machine.")
]
_Json = Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)]

_ID_SHOWN: Final = 40
_QUESTION_SHOWN: Final = 60


@app.command("list")
def list_items(as_json: _Json = False) -> None:
    """List what waits for a person, the longest waiting first."""
    queue = terminal.run(load(terminal.cluster_settings()))
    if as_json:
        terminal.print_json([_as_data(item) for item in queue.pending.values()])
    else:
        _show_list(queue)
    for position in queue.unreadable:
        terminal.complain(f"record {position} cannot be read and is left out")


@app.command()
def show(request_id: _Id, source: _Source = None, as_json: _Json = False) -> None:
    """Show one item: question, answer, citations, checks, and every passage that was read."""
    item = terminal.run(_item(request_id, source, terminal.cluster_settings()))
    if as_json:
        terminal.print_json(item.checked)
    else:
        _show_item(item)


@app.command()
def approve(
    request_id: _Id, source: _Source = None, reviewer: _Reviewer = None, as_json: _Json = False
) -> None:
    """Let the answer out as it is."""
    _decide(
        request_id,
        source,
        lambda item: item.approve(person(reviewer, "--reviewer")),
        as_json=as_json,
    )


@app.command()
def edit(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    request_id: _Id,
    answer: Annotated[str | None, typer.Option(help="The text to let out.")] = None,
    editor: Annotated[
        bool, typer.Option("--editor", help="Write it in $VISUAL or $EDITOR, from the draft on.")
    ] = False,
    source: _Source = None,
    reviewer: _Reviewer = None,
    as_json: _Json = False,
) -> None:
    """Let out another text, with the citations of the answer that it replaces."""
    if (answer is None) is not editor:
        raise typer.BadParameter("give the text with --answer, or write it with --editor")

    def judge(item: Item) -> ReviewDecided:
        text = _written(item.checked.answer) if answer is None else answer.strip()
        if not text:
            raise CommandError("the text is empty: to let nothing out, `review reject`")
        return item.edit(person(reviewer, "--reviewer"), text)

    _decide(request_id, source, judge, as_json=as_json)


@app.command()
def reject(
    request_id: _Id,
    reason: Annotated[str, typer.Option(help="Why; the asker reads it.")],
    source: _Source = None,
    reviewer: _Reviewer = None,
    as_json: _Json = False,
) -> None:
    """Let nothing out: the asker gets a refusal with the reason."""
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    _decide(
        request_id,
        source,
        lambda item: item.reject(person(reviewer, "--reviewer"), reason.strip()),
        as_json=as_json,
    )


def _decide(
    request_id: str,
    source: str | None,
    judge: Callable[[Item], ReviewDecided],
    *,
    as_json: bool,
) -> None:
    decision = terminal.run(_decided(request_id, source, judge, terminal.cluster_settings()))
    if as_json:
        terminal.print_json(decision)
    else:
        out.print(
            Text(plain(f"{request_id} {decision.decision} by {decision.reviewer}")), soft_wrap=True
        )


async def _decided(
    request_id: str,
    source: str | None,
    judge: Callable[[Item], ReviewDecided],
    settings: Settings,
) -> ReviewDecided:
    try:
        return await decide(request_id, source, judge, settings)
    except ReviewError as error:
        raise CommandError(str(error)) from error


async def _item(request_id: str, source: str | None, settings: Settings) -> Item:
    try:
        return (await load(settings)).item(request_id, source)
    except ReviewError as error:
        raise CommandError(str(error)) from error


def _written(draft: Answer | None) -> str:
    """Return what the reviewer wrote; leaving the editor without saving decides nothing."""
    try:
        text = click.edit(draft.text if draft is not None else "")
    except click.ClickException as error:
        raise CommandError(f"{error.format_message()}: set $EDITOR, or use --answer") from error
    if text is None:
        raise CommandError("nothing was saved, so nothing is decided")
    return text.strip()


def _as_data(item: Item) -> dict[str, object]:
    request = item.checked.request
    return {
        "request_id": request.request_id,
        "request_source": request.request_source,
        "tenant": request.tenant,
        "question": request.question,
        "answer": item.checked.answer,
        "confidence": item.checked.confidence,
        "reason": item.checked.reason,
        "waiting_since": item.since,
    }


def _show_list(queue: Queue) -> None:
    if not queue.pending:
        out.print("nothing waits for a person")
        return
    # an id is there to be copied: it is never cut, and a usual one not folded either
    widest = max(len(item.name.id) for item in queue.pending.values())
    ids = Column("id", overflow="fold", min_width=min(widest, _ID_SHOWN))
    table = Table(ids, "source", "question", "why", "waits", box=None)
    for item in queue.pending.values():
        question = " ".join(plain(item.checked.request.question).split())
        if len(question) > _QUESTION_SHOWN:
            question = question[: _QUESTION_SHOWN - 1] + "…"
        table.add_row(
            Text(plain(item.name.id), overflow="fold"),
            Text(plain(item.name.source)),
            Text(question),
            Text(plain(item.checked.reason)),
            Text(_waited(item)),
        )
    out.print(table)


def _waited(item: Item) -> str:
    seconds = (datetime.now(UTC) - item.since).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _show_item(item: Item) -> None:
    checked = item.checked
    request = checked.request
    _line("request", f"{request.request_id} of {request.request_source}, tenant {request.tenant}")
    _line("question", request.question)
    _line("answer", "none was found" if checked.answer is None else checked.answer.text)
    for citation in checked.answer.citations if checked.answer is not None else ():
        _line("  quotes", f"“{citation.quote}” — {citation.document_id}, {citation.locator}")
    _line("why", checked.reason)
    confidence = checked.confidence
    _line("confidence", f"{confidence.probability:.2f}, asked for: {confidence.threshold:.2f}")
    for check in checked.checks:
        _line(f"  {check.name}", f"{check.verdict}, {check.score:.2f}: {check.reason}")
    for passage in checked.passages:
        _line(f"passage {passage.document_id}, {passage.locator}", passage.text)


def _line(what: str, said: str) -> None:
    out.print(
        Text(f"{plain(what)}: ", style="cyan").append(plain(said), style="default"), soft_wrap=True
    )
