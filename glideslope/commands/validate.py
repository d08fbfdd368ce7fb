"""`glideslope validate`: answers judged without Kafka."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from glideslope import rows, terminal
from glideslope.releases.manifest import read as read_release
from glideslope.terminal import out, plain


def command(
    file: Annotated[
        str, typer.Argument(help="JSON Lines; `-` is standard input.", metavar="FILE|-")
    ] = "-",
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
    release: Annotated[
        Path | None,
        typer.Option(help="A release's manifest, in JSON; else the one that is built in."),
    ] = None,
) -> None:
    """Judge answers as the validator would: try your own before you connect anything.

    A row is `{"id", "question", "answer", "passages": [{"id", "text"}]}`, with or without
    `"citations": [{"id", "quote"}]`, where `id` names a passage. With --json a row comes out for
    each as soon as it is judged; else a line for each that would not be approved.

    Exit codes: 0 all rows were judged, whatever was found; 1 some could not be read.
    """
    from glideslope import judging, validating  # noqa: PLC0415 - the help must not wait for it
    from services.validator.validation import prepare  # noqa: PLC0415 - as above

    with terminal.told():
        manifest = read_release(release)
    prepare()
    tally: Counter[str] = Counter()
    with rows.opened(file) as stream, judging.checks_for(manifest) as checks:
        for number, line in _lines(stream):
            tally["rows"] += 1
            try:
                found = validating.judge(validating.read(line), manifest, checks)
                tally[found["route"]] += 1
            except rows.RowError as error:
                tally["unread"] += 1
                found = error.told(number)
            _say(found, number, as_json=as_json)
    if not as_json:
        routes = ", ".join(
            f"{tally[r]:,} {r}" for r in ("approved", "regenerate", "review", "refusal")
        )
        out.print(f"{rows.counted(tally['rows'] - tally['unread'])}: {routes}")
    rows.end(unread=tally["unread"], of=tally["rows"])


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return the lines that are not blank, each as soon as it is there, with their numbers."""
    for number, line in enumerate(iter(stream.readline, b""), start=1):
        if line.strip():
            yield number, line


def _say(found: Mapping[str, Any], number: int, *, as_json: bool) -> None:
    if as_json:
        rows.write(found)
    elif not rows.show_error(found, number) and found["route"] != "approved":
        text = f"{rows.named(found, number)}: {found['route']}: {plain(found['reason'])}"
        out.print(text, markup=False, soft_wrap=True)
