"""`glideslope ask`: one question, and its checked answer."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from glideslope import terminal
from glideslope.asking import STANDS, DeadLettered, NoEndError, ask, request_event
from glideslope.terminal import CommandError, Exit, err, out, plain
from shared import topics
from shared.cloudevents import Event
from shared.events import InlinePassage, Principal, RequestRejected, RequestSubmitted, Result
from shared.settings import Settings
from shared.topics import Topic


def command(  # noqa: PLR0913, PLR0917 - a request has this many parts, and typer wants them so
    question: Annotated[str, typer.Argument(help="The question.")],
    metadata: Annotated[
        list[str] | None,
        typer.Option(help="Something of your own that travels along, as KEY=VALUE. Repeatable."),
    ] = None,
    passage_file: Annotated[
        list[Path] | None,
        typer.Option(
            help="A text to answer from, beside what is found. Repeatable.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    principal: Annotated[
        str | None, typer.Option(help="On whose behalf; decides which documents may be read.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="A group that the principal is in. Repeatable.")
    ] = None,
    conversation: Annotated[
        str | None,
        typer.Option(help="Record key; questions of one conversation are answered in order."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose documents.")] = None,
    subject: Annotated[str | None, typer.Option(help="The person whose data this is.")] = None,
    deadline: Annotated[
        str | None,
        typer.Option(help="After this an answer is of no use: RFC 3339, 2030-01-31T17:00:00Z."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="How long to wait, in seconds.", min=0.1)] = 60.0,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the result's data (or the rejection's), nothing else."),
    ] = False,
) -> None:
    """Publish one question, wait for its end, and print it.

    Exit codes: 0 answered (by the model or by a person); 2 wrong usage; 3 the cluster cannot be
    worked with; 4 refused; 5 rejected, with what to change; 6 no end in time, with where the
    request stands (it goes on without you); 7 it became a dead letter.
    """
    settings = terminal.cluster_settings()
    event = request_event(
        _question(
            question=question,
            metadata=dict(_pair(each) for each in metadata or ()),
            passages=[_passage(path) for path in passage_file or ()],
            principal=_principal(principal, group or []),
            deadline=deadline,
        ),
        tenant=tenant,
        subject=subject,
    )
    with err.status("waiting for the answer"):
        end = terminal.run(_ask(event, settings, conversation, timeout))
    raise typer.Exit(_told(end, event.id, as_json=as_json))


async def _ask(
    event: Event, settings: Settings, conversation: str | None, seconds: float
) -> Result | RequestRejected | DeadLettered:
    def seen(topic: Topic) -> None:
        if topic is topics.FALLBACK_REVIEW:
            said = STANDS[topic].format(id=event.id)
            err.print(
                Text(f"{said}; the result is waited for until {seconds:g} s are over"),
                soft_wrap=True,
            )

    try:
        return await ask(event, settings, conversation=conversation, seconds=seconds, seen=seen)
    except NoEndError as error:
        raise CommandError(str(error), Exit.TIMEOUT) from error


def _told(end: Result | RequestRejected | DeadLettered, name: str, *, as_json: bool) -> Exit:
    """Print how a request ended; return what it means for the exit code."""
    match end:
        case Result():
            terminal.print_json(end) if as_json else _show(end)
            return Exit.REFUSED if end.outcome == "refused" else Exit.OK
        case RequestRejected():
            terminal.print_json(end) if as_json else _show_rejection(end)
            return Exit.REJECTED
        case DeadLettered():
            terminal.complain(
                f"request {name} became a dead letter of {end.service}, {end.code}: "
                f"{end.reason}. See `glideslope dlq show {name}`, mend the cause, then redrive"
            )
            return Exit.DEAD_LETTER


def _question(**said: Any) -> RequestSubmitted:
    try:
        return RequestSubmitted.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise typer.BadParameter(f"{where}: {first['msg']}") from error


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--metadata")
    return key, value


def _passage(path: Path) -> InlinePassage:
    try:
        return InlinePassage(id=path.name, text=path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or empty
        raise typer.BadParameter(
            f"{path} must be UTF-8 text and not empty", param_hint="--passage-file"
        ) from error


def _principal(name: str | None, groups: list[str]) -> Principal | None:
    if name is None and groups:
        raise typer.BadParameter(
            "name whose groups they are with --principal", param_hint="--group"
        )
    return None if name is None else Principal(id=name, groups=tuple(groups))


def _show(result: Result) -> None:
    if result.answer is not None:
        out.print(Text(plain(result.answer.text), style="bold"), soft_wrap=True)
        for citation in result.answer.citations:
            out.print(
                Text(f"  “{plain(citation.quote)}”\n", style="italic").append(
                    f"  — {plain(citation.document_id)}, {plain(citation.locator)}", style="cyan"
                ),
                soft_wrap=True,
            )
    said = result.outcome.replace("_", " ")
    out.print(
        Text(said, style="red" if result.outcome == "refused" else "green").append(
            f": {plain(result.reason)}" if result.reason else "", style="default"
        ),
        soft_wrap=True,
    )
    out.print(
        f"confidence {result.confidence.probability:.2f} "
        f"(threshold {result.confidence.threshold:.2f})"
        + (", of the draft that a person rewrote" if result.confidence.about == "draft" else "")
    )
    checks = Table("check", "verdict", "score", "reason", box=None)
    for check in result.checks:
        checks.add_row(check.name, check.verdict, f"{check.score:.2f}", Text(plain(check.reason)))
    if result.checks:
        out.print(checks)
    receipt = result.receipt
    out.print(
        Text(f"receipt: entry {receipt.index} of log {receipt.origin}, size {receipt.size}"),
        soft_wrap=True,
    )
    out.print(Text(f"request {result.request_id}, release {result.release[:12]}"), soft_wrap=True)


def _show_rejection(rejection: RequestRejected) -> None:
    where = f" ({rejection.field})" if rejection.field else ""
    out.print(
        Text(f"rejected, {rejection.code}{where}: ", style="red").append(
            plain(rejection.message), style="default"
        ),
        soft_wrap=True,
    )
