"""How `glideslope dlq` looks, on a terminal and as JSON."""

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from glideslope.dead_letters import Letter, ids, original_headers
from glideslope.inventory import Cause, Group
from glideslope.masking import masked, masked_bytes, masked_headers
from glideslope.redrive import Plan
from glideslope.terminal import out, plain
from shared.delivery import Record

_POSITIONS_SHOWN: Final = 20


def group_as_data(group: Group) -> dict[str, Any]:
    """Return a cause and its dead letters for machines."""
    return {
        **group.cause._asdict(),
        "letters": group.letters,
        "to_redrive": group.waiting,
        "redriven": group.redriven,
        "failed_again": group.failed_again,
        "first": group.first,
        "last": group.last,
        "example": str(group.example),
        "advice": group.cause.advice,
    }


def show_groups(groups: Sequence[Group], *, settled: int) -> None:
    """Print the causes; `settled` is how many more there are of which all was redriven."""
    if not groups:
        out.print("no dead letters" if not settled else "no dead letters to redrive")
    for group in groups:
        cause = group.cause
        out.print(
            Text(plain(f"{cause.reason_code} in {cause.service}"), style="bold").append(
                plain(f" on {cause.source_topic}, stack {cause.stack}"), style="default"
            ),
            soft_wrap=True,
        )
        line = [f"{group.letters:,}, {group.waiting:,} of them to redrive"]
        line += [f"{group.redriven:,} redriven"] if group.redriven else []
        line += [f"{group.failed_again:,} failed again"] if group.failed_again else []
        _line("  letters", ", ".join(line))
        _line("  when", f"{_time(group.first)} to {_time(group.last)}")
        _line("  example", str(group.example))
        _line("  to do", cause.advice)
    if settled:
        out.print(f"{settled:,} more with everything redriven: --all shows them")


def letter_as_data(
    record: Record, letter: Letter, *, was_redriven: bool, reveal: bool
) -> dict[str, Any]:
    """Return everything known of a dead letter; without `reveal` nothing of what it says."""
    own = original_headers(record)
    came = letter.came
    return {
        "position": str(letter.position),
        "ids": ids(record, letter),
        "dead_since": letter.at,
        "service": came.service,
        "source": {
            "topic": letter.source.name,
            "partition": came.partition,
            "offset": came.offset,
            "at": letter.came_at,
        },
        "reason_code": came.code,
        "reason": came.reason,
        "error": letter.error,
        "stack": letter.stack,
        "attempts": letter.attempts,
        "release": letter.release,
        "redriven": was_redriven,
        "failed_again": letter.redrives > 0,
        "redrives_before": letter.redrives,
        "advice": Cause.of(letter).advice,
        "revealed": reveal,
        "key": _content(record.key) if reveal else masked_bytes(record.key),
        "headers": [
            {"name": name, "value": value}
            for name, value in (
                [(name, _content(raw)) for name, raw in own] if reveal else masked_headers(own)
            )
        ],
        "value": _content(record.value) if reveal else masked(record.value),
    }


def _content(raw: bytes | None) -> str | dict[str, str] | None:
    """Return bytes as text, or as base64 where they are none."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def show_letter(data: Mapping[str, Any]) -> None:
    """Print what `letter_as_data` gave."""
    source = data["source"]
    _line("dead letter", f"{data['position']}, since {_time(data['dead_since'])}")
    _line("id", ", ".join(data["ids"]) or "none that can be read")
    _line(
        "from",
        f"{source['topic']}/{source['partition']}/{source['offset']}, {_time(source['at'])}",
    )
    _line("failed in", f"{data['service']}, after {data['attempts']} attempts")
    code, reason = data["reason_code"], data["reason"]
    _line("why", code if reason == code else f"{code}: {reason}")
    _line("error", f"{data['error']}, stack {data['stack']}")
    _line("release", data["release"] or "none pinned")
    _line("redriven", _story(data))
    _line("to do", data["advice"])
    _line("key", _shown(data["key"]))
    for header in data["headers"]:
        _line(f"  {header['name']}", _shown(header["value"]))
    _line("value", _shown(data["value"]))


def _story(data: Mapping[str, Any]) -> str:
    said = "yes" if data["redriven"] else "no"
    if data["failed_again"]:
        said += f"; it is here again after redrive {data['redrives_before']}"
        said += "" if data["redriven"] else ", and is sent once more only with --again"
    return said


def _shown(content: Any) -> str:
    match content:
        case None:
            return "null"
        case str():
            return content
    return json.dumps(content)


def plan_as_data(plan: Plan, sent: int) -> dict[str, Any]:
    """Return what a redrive comes to for machines; `sent` of it was sent."""
    return {
        "selected": len(plan.letters),
        "sent": sent,
        "by_topic": plan.by_topic,
        "redriven_before": plan.redriven,
        "failed_again": plan.failed_again,
        "beyond_limit": plan.beyond,
        "positions": [str(letter.position) for letter in plan.letters],
    }


def show_plan(plan: Plan) -> None:
    """Print what would be sent where, and what is left out."""
    if plan.letters:
        causes = Counter(Cause.of(letter) for letter in plan.letters)
        table = Table("letters", "back to", "of", "because of", "stack", box=None)
        for cause, count in causes.most_common():
            row = (f"{count:,}", cause.source_topic, cause.service, cause.reason_code, cause.stack)
            table.add_row(*(Text(plain(cell)) for cell in row))
        out.print(table)
        shown = [str(letter.position) for letter in plan.letters[:_POSITIONS_SHOWN]]
        more = len(plan.letters) - len(shown)
        _line("positions", ", ".join(shown) + (f", and {more:,} more" if more else ""))
    else:
        out.print("nothing to redrive")
    for count, what in (
        (plan.redriven, "of the selected were redriven before and are left out"),
        (plan.failed_again, "of the selected failed again after a redrive: --again includes them"),
        (plan.beyond, "more are over the limit"),
        (plan.replacing, "are documents: each replaces what was accepted of it since"),
    ):
        if count:
            out.print(f"[yellow]note:[/] {count:,} {what}", soft_wrap=True)


def _line(what: str, said: str) -> None:
    out.print(
        Text(f"{plain(what)}: ", style="cyan").append(plain(said), style="default"), soft_wrap=True
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
