"""`glideslope dlq`: what could not be read or handled is looked into, and sent back."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.progress import Progress

from glideslope import cluster, operations, redrive, terminal
from glideslope.commands import dlq_view as view
from glideslope.dead_letters import DeadLetterError, Letter, Position, find
from glideslope.inventory import Inventory, take_inventory
from glideslope.redrive import Plan, RedriveError, Selection
from glideslope.terminal import CommandError, err, out
from shared import topics
from shared.delivery import Record
from shared.events import Operation
from shared.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Look into what could not be read or handled, and send it back: `dead.letters`.",
)

_Json = Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)]
_Operator = Annotated[
    str | None, typer.Option(help="Who does it; else the name of the user of this machine.")
]


@app.command("list")
def list_letters(
    everything: Annotated[
        bool, typer.Option("--all", help="Also causes of which everything was redriven.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """List dead letters by their cause, the newest first, and what to do about each.

    `to redrive` were not sent back yet; `failed again` are among the letters, and had been sent
    back before.
    """
    inventory = terminal.run(_inventory(terminal.cluster_settings()))
    groups = [group for group in inventory.groups if everything or group.waiting]
    if as_json:
        terminal.print_json([view.group_as_data(group) for group in groups])
    else:
        view.show_groups(groups, settled=len(inventory.groups) - len(groups))
    for position in inventory.foreign:
        terminal.complain(f"record {position} is no dead letter of this pipeline and is left out")


async def _inventory(settings: Settings) -> Inventory:
    return await take_inventory(settings, await operations.redriven(settings))


@app.command()
def show(
    letter: Annotated[
        str,
        typer.Argument(
            metavar="POSITION|ID",
            help="`dead.letters/PARTITION/OFFSET`, or the id of the event or request.",
        ),
    ],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the content too; needs --reason.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why the content must be seen. It goes on the record.")
    ] = "",
    operator: _Operator = None,
    as_json: _Json = False,
) -> None:
    """Show all that is known of one dead letter, but of its content only structure and lengths.

    With --reveal the content is shown too; who wanted to see it and why is first written to the
    topic `operations`, and so to the audit log.
    """
    if reveal and not reason.strip():
        raise typer.BadParameter("say why the content must be seen", param_hint="--reason")
    if reason and not reveal:
        raise typer.BadParameter("it is for --reveal", param_hint="--reason")
    settings = terminal.cluster_settings()
    who = terminal.person(operator, "--operator") if reveal else ""
    found = terminal.run(_found(letter, settings))
    if reveal:
        terminal.run(_put_on_record(found[1], who, reason.strip(), settings))
    was_redriven = found[1].position in terminal.run(operations.redriven(settings))
    data = view.letter_as_data(*found, was_redriven=was_redriven, reveal=reveal)
    if as_json:
        terminal.print_json(data)
    else:
        view.show_letter(data)


async def _found(wanted: str, settings: Settings) -> tuple[Record, Letter]:
    try:
        return await find(wanted, settings)
    except DeadLetterError as error:
        raise CommandError(str(error)) from error


async def _put_on_record(letter: Letter, operator: str, reason: str, settings: Settings) -> None:
    operation = Operation(
        operator=operator,
        action=operations.REVEAL,
        reason=reason,
        selection=str(letter.position),
        topic=topics.DEAD_LETTERS.name,
        offsets=operations.ranges([letter.position.offset]),
    )
    async with cluster.producer(settings) as producer:
        await operations.publish(producer, operation, letter.position.partition, settings)


@app.command("redrive")
def redrive_letters(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    where: Annotated[
        str,
        typer.Option(
            metavar="'NAME=VALUE …'",
            help="Only where all of it is so: service, reason-code, source-topic, release, error, "
            "stack. One name twice: either value.",
        ),
    ] = "",
    position: Annotated[
        list[str] | None,
        typer.Option(help="Only this one, `dead.letters/PARTITION/OFFSET`; repeat for more."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the oldest so many.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that failed again after a redrive.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option(help="Why. It goes on the record.")] = "",
    operator: _Operator = None,
    as_json: _Json = False,
) -> None:
    """Send dead letters back to where they came from: same key, headers and bytes, once each.

    A dead letter is redriven once, however often this is interrupted and repeated. A record that
    fails again is a new dead letter, and is sent once more only with --again. What is sent, by
    whom and why, is written to the topic `operations`, and so to the audit log.

    Exit codes: 0 sent, or nothing to send; 1 not all of it was sent, and why; 3 the cluster cannot
    be worked with.
    """
    settings = terminal.cluster_settings()
    selection = _selection(where, position or [], settings, again=again, limit=limit)
    if not (dry_run or yes or sys.stdin.isatty()):
        raise typer.BadParameter("nobody is here to be asked: say --yes, or --dry-run")
    who = "" if dry_run else terminal.person(operator, "--operator")
    plan = terminal.run(_plan(selection, settings))
    if not as_json:
        view.show_plan(plan)
    sent = 0
    if plan.letters and not dry_run:
        if not yes:
            typer.confirm(f"redrive {len(plan.letters):,}?", err=True, abort=True)
        operation = Operation(
            operator=who,
            action=operations.REDRIVE,
            reason=reason.strip(),
            selection=str(selection),
            topic=topics.DEAD_LETTERS.name,
            offsets=(),
        )
        sent = terminal.run(_redriven(plan, operation, settings))
    if as_json:
        terminal.print_json(view.plan_as_data(plan, sent))
    elif not dry_run:
        out.print(f"{sent:,} redriven")


def _selection(
    where: str, positions: Sequence[str], settings: Settings, *, again: bool, limit: int | None
) -> Selection:
    try:
        terms = Selection.terms(where, settings)
    except RedriveError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None
    try:
        places = frozenset(Position.parse(each, settings) for each in positions)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--position") from None
    return Selection(terms, places, again=again, limit=limit)


async def _plan(selection: Selection, settings: Settings) -> Plan:
    plan = await redrive.plan(selection, settings)
    if plan.missing:
        raise CommandError(
            f"nothing was sent, for there is no dead letter {', '.join(map(str, plan.missing))}: "
            "see `glideslope dlq list --all`"
        )
    return plan


async def _redriven(plan: Plan, operation: Operation, settings: Settings) -> int:
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("redriving", total=len(plan.letters))
        try:
            return await redrive.redrive(
                plan.letters,
                settings,
                operation,
                progress=lambda sent: bar.update(task, completed=sent),
            )
        except RedriveError as error:
            raise CommandError(str(error)) from error
