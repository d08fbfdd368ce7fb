"""`glideslope review list | show | approve | edit | reject | send-back`: a person decides.

Where `GLIDESLOPE_REVIEW_URL` names the review service, through its API: then who decides is who has
signed in, edits are checked, and a claim keeps others away. Without it straight through the topics.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import click
import typer
from rich.text import Text

from glideslope import desk, terminal
from glideslope.commands.review.view import Line, show_item, show_list
from glideslope.desk import Desk
from glideslope.review import Item, ReviewError, decide, load
from glideslope.terminal import CommandError, out, person, plain
from shared.events import Answer, AnswerChecked, ReviewDecided
from shared.settings import Settings

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the request.")]
Source = Annotated[
    str | None, typer.Option(help="Source of the request, where several have its id.")
]
_Reviewer = Annotated[
    str | None, typer.Option(help="Who decides; else the name of the user of this machine.")
]
Json = Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)]


def list_items(as_json: Json = False) -> None:
    """List what waits for a person, the longest waiting first."""
    if (url := desk.address()) is not None:
        _list_desk(url, as_json=as_json)
        return
    queue = terminal.run(load(terminal.cluster_settings()))
    if as_json:
        terminal.print_json([_as_data(item) for item in queue.pending.values()])
    else:
        show_list([Line.of(item) for item in queue.pending.values()])
    for position in queue.unreadable:
        terminal.complain(f"record {position} cannot be read and is left out")


def show(request_id: Id, source: Source = None, as_json: Json = False) -> None:
    """Show one item: question, answer, citations, checks, and every passage that was read."""
    if (url := desk.address()) is not None:
        found = terminal.run(_desk_item(url, request_id, source))
        checked = AnswerChecked.model_validate(found["checked"])
    else:
        checked = terminal.run(_item(request_id, source, terminal.cluster_settings())).checked
    if as_json:
        terminal.print_json(checked)
    else:
        show_item(checked)


def approve(
    request_id: Id, source: Source = None, reviewer: _Reviewer = None, as_json: Json = False
) -> None:
    """Let the answer out as it is."""
    if (url := desk.address()) is not None:
        _decide_at(url, request_id, source, {"kind": "approved"}, as_json=as_json)
        return
    _decide(
        request_id,
        source,
        lambda item: item.approve(person(reviewer, "--reviewer")),
        as_json=as_json,
    )


def edit(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    request_id: Id,
    answer: Annotated[str | None, typer.Option(help="The text to let out.")] = None,
    editor: Annotated[
        bool, typer.Option("--editor", help="Write it in $VISUAL or $EDITOR, from the draft on.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Check that the text fails and that it is let out in spite of."),
    ] = None,
    source: Source = None,
    reviewer: _Reviewer = None,
    as_json: Json = False,
) -> None:
    """Let out another text, with the citations of the answer that it replaces."""
    if (answer is None) is not editor:
        raise typer.BadParameter("give the text with --answer, or write it with --editor")
    if (url := desk.address()) is not None:
        choice = {"kind": "edited", "accepts": accept or []}
        _decide_at(url, request_id, source, choice, text=answer or "", as_json=as_json)
        return

    def judge(item: Item) -> ReviewDecided:
        text = _written(item.checked.answer) if answer is None else answer.strip()
        if not text:
            raise CommandError("the text is empty: to let nothing out, `review reject`")
        return item.edit(person(reviewer, "--reviewer"), text)

    _decide(request_id, source, judge, as_json=as_json)


def reject(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    request_ids: Annotated[
        list[str], typer.Argument(metavar="ID…", help="Id of the request; several are rejected.")
    ],
    reason: Annotated[str, typer.Option(help="Why; the asker reads it.")],
    note: Annotated[
        str, typer.Option(help="More of it, beside a reason that the release lists.")
    ] = "",
    source: Source = None,
    reviewer: _Reviewer = None,
    as_json: Json = False,
) -> None:
    """Let nothing out: the asker gets a refusal with the reason.

    Of several each is decided for itself; the exit code is 0 when all are.
    """
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    failed: typer.Exit | None = None
    for request_id in request_ids:
        try:
            _reject(request_id, source, reviewer, reason.strip(), note.strip(), as_json=as_json)
        except typer.Exit as ended:  # why stands there already
            failed = ended
    if failed is not None:
        raise failed


def _reject(  # noqa: PLR0913 - a rejection has this many parts
    request_id: str,
    source: str | None,
    reviewer: str | None,
    reason: str,
    note: str,
    *,
    as_json: bool,
) -> None:
    if (url := desk.address()) is not None:
        choice = {"kind": "rejected", "reason": reason, "note": note}
        _decide_at(url, request_id, source, choice, as_json=as_json)
        return
    _decide(
        request_id,
        source,
        lambda item: item.reject(person(reviewer, "--reviewer"), reason),
        as_json=as_json,
    )


def send_back(
    request_id: Id,
    note: Annotated[str, typer.Option(help="What the next answer should do better.")],
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Ask for another answer, through the review service."""
    choice = {"kind": "sent_back", "note": note.strip()}
    with terminal.told():
        url = desk.required_address(terminal.settings())
    _decide_at(url, request_id, source, choice, as_json=as_json)


def _decide_at(  # noqa: PLR0913 - a decision has this many parts
    url: str,
    request_id: str,
    source: str | None,
    choice: Mapping[str, Any],
    *,
    text: str | None = None,
    as_json: bool,
) -> None:
    decision = terminal.run(_desk_decided(url, request_id, source, choice, text))
    opinion = decision["opinion"]
    if as_json:
        terminal.print_json(decision)
        return
    waits = {
        "final": "",
        "second_wanted": "; a second person decides, too",
        "disputed": "; the two words differ, so a lead decides",
    }[decision["state"]]
    said = f"{request_id} {opinion['kind']} by {opinion['reviewer']}{waits}"
    out.print(Text(plain(said)), soft_wrap=True)


async def _desk_decided(
    url: str, request_id: str, source: str | None, choice: Mapping[str, Any], text: str | None
) -> Mapping[str, Any]:
    async with Desk.opened(url, terminal.settings()) as service:
        item_id = await service.find(request_id, source)
        if text is not None and not text.strip():  # none was given: it is written, from the draft
            item = await service.item(item_id)
            draft = AnswerChecked.model_validate(item["checked"]).answer
            text = _written(draft)
            if not text:
                raise CommandError("the text is empty: to let nothing out, `review reject`")
        return await service.decide(item_id, choice, text=text)


async def _desk_item(url: str, request_id: str, source: str | None) -> Mapping[str, Any]:
    async with Desk.opened(url, terminal.settings()) as service:
        return await service.item(await service.find(request_id, source))


async def _desk_waiting(url: str) -> list[Mapping[str, Any]]:
    async with Desk.opened(url, terminal.settings()) as service:
        return await service.waiting()


def _list_desk(url: str, *, as_json: bool) -> None:
    waiting = terminal.run(_desk_waiting(url))
    if as_json:
        terminal.print_json(waiting)
        return
    lines = [
        Line(
            each["request_id"],
            each["request_source"],
            each["question"],
            each["reason"],
            datetime.fromisoformat(each["since"]),
        )
        for each in waiting
    ]
    show_list(lines)


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
