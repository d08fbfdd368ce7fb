"""`glideslope validate`: answers judged without Kafka."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from pydantic_core import to_json

from glideslope import releases, terminal
from glideslope.terminal import Exit, err, out, plain


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
    from glideslope import validating  # noqa: PLC0415 - the help must not wait for it

    with terminal.told():
        manifest = releases.read(release)
    tally: Counter[str] = Counter()
    with _opened(file) as stream:
        for number, line in _lines(stream):
            tally["rows"] += 1
            try:
                found = validating.judge(validating.read(line), manifest)
                tally[found["route"]] += 1
            except validating.RowError as error:
                tally["unread"] += 1
                found = {"id": error.row_id, "line": number, "error": str(error)}
            _say(found, number, as_json=as_json)
    if not as_json:
        routes = ", ".join(
            f"{tally[r]:,} {r}" for r in ("approved", "regenerate", "review", "refusal")
        )
        out.print(f"{tally['rows']:,} rows: {routes}")
    if tally["unread"]:
        terminal.complain(f"{tally['unread']:,} of {tally['rows']:,} rows could not be read")
        raise typer.Exit(Exit.FAILED)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return the lines that are not blank, each as soon as it is there, with their numbers."""
    for number, line in enumerate(iter(stream.readline, b""), start=1):
        if line.strip():
            yield number, line


def _opened(file: str) -> AbstractContextManager[IO[bytes]]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        terminal.complain(f"{file} cannot be read: {error.strerror}")
        raise typer.Exit(Exit.USAGE) from None


def _say(found: Mapping[str, Any], number: int, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(to_json(found) + b"\n")
        sys.stdout.buffer.flush()
        return
    name = plain(str(number if found["id"] is None else found["id"]))
    if "error" in found:
        err.print(f"{name}: {plain(found['error'])}", markup=False, soft_wrap=True)
    elif found["route"] != "approved":
        text = f"{name}: {found['route']}: {plain(found['reason'])}"
        out.print(text, markup=False, soft_wrap=True)
