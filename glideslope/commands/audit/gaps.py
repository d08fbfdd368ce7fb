"""`glideslope audit gaps`: what lay at the offsets of which the logs have no entry."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from glideslope import terminal
from glideslope.audit.findings import Verdict
from glideslope.audit.gaps import Explanation
from glideslope.audit.inquiry import Explained, inquire, passed
from glideslope.audit.logs import Task
from glideslope.audit.places import find_logs
from glideslope.audit.sources import Seen, Stream
from glideslope.audit.verification import Report
from glideslope.commands.audit.arguments import AsJson, LogArgument, readable, verifier_key
from glideslope.commands.audit.bars import verify_shown
from glideslope.terminal import Exit, err, plain
from services.audit.settings import AuditSettings

_SHOWN: Final = 20
_KINDS: Final = ("marker", "aborted", "compacted", "removed", "missing", "unknown")


def command(
    log: LogArgument = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Verifier key of a log: the key, or a file that holds it. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask Kafka what lay at the offsets of which the logs have no entry.

    Transaction markers, aborted records, what compaction or retention removed: or a record that
    was not logged, which is named. The entries are checked first, as `verify --no-records` does.
    Where no LOG is given, the logs must also have all that audit's consumer group has passed.

    Exit codes: 0 each is explained; 1 a record was not logged; 22 it cannot be told of each, or a
    log cannot be read; 20 or 21 a log was tampered with or is incomplete: `verify` tells; 3 the
    cluster cannot be worked with.
    """
    settings = terminal.cluster_settings(AuditSettings)
    keys = tuple(verifier_key(each, "--key") for each in key or ())
    group = terminal.run(passed(settings)) if log is None else {}
    with readable():
        reports = verify_shown(
            [Task(each, keys, records=False) for each in find_logs(log, settings)]
        )
    _leave_unless_whole(reports)
    columns = (TextColumn("partitions"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        bar = bars.add_task("", total=None)
        explained = terminal.run(
            inquire(
                reports,
                group,
                settings,
                lambda done, count: bars.update(bar, completed=done, total=count),
            )
        )
    if as_json:
        terminal.print_json(_as_data(explained))
    else:
        terminal.show(*_view(explained))
    if any(each.count("missing") for each in explained):
        raise typer.Exit(Exit.FAILED)
    if any(each.count("unknown") for each in explained):
        raise typer.Exit(Verdict.UNVERIFIABLE)


def _leave_unless_whole(reports: Sequence[Report]) -> None:
    """Leave where entries are not there as they were logged: they would look like gaps."""
    worst = [
        report
        for report in reports
        if report.verdict is Verdict.TAMPERED or not report.origin or report.entries < report.size
    ]
    for report in worst:
        said = report.findings[0]
        terminal.complain(
            f"{report.place} is not as it was logged ({said.object}: {said.what}). Run `glideslope "
            "audit verify`, which names all, and mend that first"
        )
    if worst:
        raise typer.Exit(min(report.verdict for report in worst))


def _as_data(explained: Sequence[Explained]) -> dict[str, Any]:
    return {
        "explained": not any(each.count("missing") + each.count("unknown") for each in explained),
        "logs": [
            {"origin": each.origin, "partitions": [_stream(*one) for one in each.streams]}
            for each in explained
        ],
    }


def _stream(stream: Stream, seen: Seen | None, said: Explanation) -> dict[str, Any]:
    return {
        **stream._asdict(),
        "first": None if seen is None else seen.first,
        "last": None if seen is None else seen.last,
        "entries": 0 if seen is None else seen.entries,
        "without_entry": said.without_entry,
        **{kind: getattr(said, kind) for kind in _KINDS},
        "why_unknown": said.why,
        "not_logged": said.named,
    }


def _view(explained: Sequence[Explained]) -> list[RenderableType]:
    table = Table("log", "gaps", *(_heading(kind) for kind in _KINDS), box=None)
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for each in explained:
        counts = [each.count(kind) for kind in ("without_entry", *_KINDS)]
        table.add_row(plain(each.origin), *(f"{count:,}" for count in counts))
    told = [_told(*one) for each in explained for one in each.streams]
    return [table, *(text for text in told if text), _end(explained)]


def _heading(kind: str) -> str:
    return {"marker": "markers", "missing": "not logged"}.get(kind, kind)


def _told(stream: Stream, _seen: Seen | None, said: Explanation) -> Text:
    """Return what a person must know of one partition."""
    where = plain(f"{stream.topic}-{stream.partition}")
    text = Text()
    for each in said.named[:_SHOWN]:
        at = datetime.fromtimestamp(each.timestamp / 1000, UTC).isoformat(timespec="milliseconds")
        about = plain(f"{each.type or 'no type'}, event {each.event_id or 'without id'}")
        text.append(f"  {where}-{each.offset} of {at} was not logged: {about}\n", style="red")
    more = said.missing - min(len(said.named), _SHOWN)
    if more:
        text.append(f"  {more:,} more of {where} were not logged\n", style="red")
    if said.unknown:
        why = plain(said.why or "")
        text.append(f"  {said.unknown:,} of {where} cannot be told: {why}\n", style="yellow")
    return text


def _end(explained: Sequence[Explained]) -> Text:
    missing = sum(each.count("missing") for each in explained)
    if missing:
        return Text(
            f"{missing:,} NOT LOGGED: Kafka gives consumers records that the logs do not have",
            style="bold red",
        )
    if any(each.count("unknown") for each in explained):
        return Text("it cannot be told of each offset what was there", style="bold yellow")
    return Text("each offset without an entry is explained", style="green")
