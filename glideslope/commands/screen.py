"""`glideslope screen`: questions and passages screened without Kafka."""

from collections import Counter
from typing import Annotated, Any

import typer

from glideslope import rows, terminal
from glideslope.terminal import out, plain


def command(
    file: Annotated[
        str, typer.Argument(help="JSON Lines; `-` is standard input.", metavar="FILE|-")
    ] = "-",
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Look for prompt injection, personal data and secrets in questions and passages.

    A row is `{"id", "text", "role"}`; the role is `question` or `passage`. With --json a row comes
    out for each, as soon as it is screened; else only those in which something was found.

    Exit codes: 0 all rows were screened, whatever was found; 1 some could not be read.
    """
    from glideslope import screening  # noqa: PLC0415 - it loads the recognisers, which takes 2 s

    tally: Counter[str] = Counter()
    with rows.opened(file) as stream:
        for number, line in screening.lines(iter(stream)):
            tally["rows"] += 1
            try:
                found = screening.screened(line)
            except rows.RowError as error:
                tally["unread"] += 1
                found = error.told(number)
            _count(found, tally)
            if as_json:
                rows.write(found)
            else:
                _show(number, found)
    if not as_json:
        out.print(
            f"{rows.counted(tally['rows'] - tally['unread'])}: {tally['injection']:,} with an "
            f"injection, {tally['personal_data']:,} with personal data, "
            f"{tally['secrets']:,} with secrets"
        )
    rows.end(unread=tally["unread"], of=tally["rows"])


def _count(found: dict[str, Any], tally: Counter[str]) -> None:
    tally["injection"] += bool(found.get("injection", {}).get("flagged"))
    tally["personal_data"] += bool(found.get("personal_data"))
    tally["secrets"] += bool(found.get("secrets"))


def _show(number: int, found: dict[str, Any]) -> None:
    if rows.show_error(found, number):
        return
    said = list(found["injection"]["reasons"])
    said += dict.fromkeys(each["type"] for each in found["personal_data"])
    said += dict.fromkeys(each["type"] for each in found["secrets"])
    if said:
        out.print(
            f"{rows.named(found, number)}: {plain(', '.join(said))}", markup=False, soft_wrap=True
        )
