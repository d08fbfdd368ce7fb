"""What a check came to, for people and for machines."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from glideslope.audit.findings import Finding, Verdict
from glideslope.audit.history import Found
from glideslope.audit.summary import summary
from glideslope.audit.verification import Report
from glideslope.terminal import plain
from shared.topics import Topic

_SHOWN: Final = 20
_STYLE: Final = {
    Verdict.INTACT: "green",
    Verdict.TAMPERED: "bold red",
    Verdict.INCOMPLETE: "bold yellow",
    Verdict.UNVERIFIABLE: "bold yellow",
}


def as_data(reports: Sequence[Report], verdict: Verdict) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {"verdict": verdict.name.lower(), "logs": [_log(report) for report in reports]}


def _log(report: Report) -> dict[str, Any]:
    return {
        "place": report.place,
        "origin": report.origin,
        "verdict": report.verdict.name.lower(),
        "size": report.size,
        "root": base64.b64encode(report.root).decode(),
        "keys": [str(key) for key in report.keys],
        "pinned": report.pinned,
        "entries": report.entries,
        "blobs": report.blobs,
        "decrypted": report.decrypted,
        "shredded": report.shredded,
        "checkpoints": report.checkpoints,
        "cosigned": {
            name: {"size": each.size, "at": each.at} for name, each in report.cosigned.items()
        },
        "repeated_events": report.repeated_events,
        "sources": [
            {
                **stream._asdict(),
                "first": seen.first,
                "last": seen.last,
                "entries": seen.entries,
                "without_entry": seen.without_entry,
                "late": seen.late,
                "begun_anew": seen.begun_anew,
            }
            for stream, seen in report.streams.items()
        ],
        "remarks": report.remarks,
        "findings": [_finding(finding) for finding in report.findings],
        "seconds": round(report.seconds, 3),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "problem": finding.problem.value,
        "verdict": finding.problem.verdict.name.lower(),
        "object": finding.object,
        "entry": finding.entry,
        "event": finding.event,
        "what": finding.what,
    }


def as_text(reports: Sequence[Report], verdict: Verdict) -> list[RenderableType]:
    """Return what a person reads, part by part."""
    table = Table("log", "entries", "records", "decrypted", "erased", "without entry", "", box=None)
    for column in table.columns[1:6]:
        column.justify = "right"
    for report in reports:
        without = sum(seen.without_entry for seen in report.streams.values())
        table.add_row(
            plain(report.origin or report.place),
            f"{report.entries:,}",
            f"{report.blobs:,}",
            "no keys" if report.decrypted is None else f"{report.decrypted:,}",
            "" if report.shredded is None else f"{report.shredded:,}",
            f"{without:,}",
            Text(report.verdict.name.lower(), style=_STYLE[report.verdict]),
        )
    findings = (text for each in reports if (text := _findings(each)))
    return [table, *_notes(reports), *findings, _end(verdict)]


def _notes(reports: Sequence[Report]) -> list[Text]:
    notes = list(dict.fromkeys(remark for report in reports for remark in report.remarks))
    if any(report.origin and not report.pinned for report in reports):
        notes.append(
            "The keys were taken from the logs themselves: who can write there can make a log "
            "anew under another key. Give the keys that you know with --key, or use --remember."
        )
    if any(seen.without_entry for each in reports for seen in each.streams.values()):
        notes.append(
            "Offsets without an entry are transaction markers, aborted or compacted records, or "
            "records that were not logged: `glideslope audit gaps` asks Kafka."
        )
    return [Text(note, style="dim") for note in notes]


def _findings(report: Report) -> Text:
    text = Text()
    for finding in report.findings[:_SHOWN]:
        text.append(f"{finding.problem.value}", style=_STYLE[finding.problem.verdict])
        text.append(f" {plain(report.place)}/{plain(finding.object)}")
        if finding.entry is not None:
            text.append(f", entry {finding.entry}")
        if finding.event is not None:
            text.append(f", event {plain(finding.event)}")
        text.append(f"\n    {plain(finding.what)}\n")
    more = len(report.findings) - _SHOWN
    if more > 0:
        text.append(f"and {more:,} more: --json names all\n")
    return text


def _end(verdict: Verdict) -> Text:
    said = {
        Verdict.INTACT: "intact: everything is as it was logged",
        Verdict.TAMPERED: "TAMPERED: something is not as it was logged. Keep the log as it is, it "
        "is evidence, and compare it with a copy",
        Verdict.INCOMPLETE: "INCOMPLETE: what is there is as it was logged, and something is "
        "missing. Restore what is named from a copy",
        Verdict.UNVERIFIABLE: "UNVERIFIABLE: something that a check needs could not be had",
    }
    return Text(said[verdict], style=_STYLE[verdict])


def history(found: Sequence[Found], names: Mapping[str, Topic]) -> Table:
    """Return the entries about a request for a person; `names` are the topics' on the cluster."""
    table = Table("entry", "time (UTC)", "topic", "what happened", box=None)
    for column in table.columns[:3]:
        column.no_wrap = True
    for each in found:
        position = each.leaf.position
        at = datetime.fromtimestamp(position.timestamp / 1000, UTC)
        topic = names.get(position.topic)
        table.add_row(
            f"{plain(each.origin)} #{each.index}",
            at.isoformat(" ", "milliseconds").removesuffix("+00:00"),
            plain(position.topic if topic is None else topic.name),
            Text("erased, or there is no key here: nobody can read it", style="yellow")
            if each.entry is None
            else Text(plain(summary(topic, each.entry))),
        )
    return table
