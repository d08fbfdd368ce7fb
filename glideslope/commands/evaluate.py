"""`glideslope eval`: how good a release is on labelled answers, and whether it got worse."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.table import Table

from glideslope import terminal
from glideslope.releases.manifest import read as read_release
from glideslope.terminal import CommandError, Exit, out

app = typer.Typer(no_args_is_help=True, help="Judge a release on labelled answers; compare two.")

_Json = Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)]


@app.command("run")
def run(  # noqa: PLR0913, PLR0917 - options of a command line
    sets: Annotated[
        list[Path],
        typer.Option(
            "--set",
            help="Labelled answers, JSON Lines; the shape is told by the fields "
            "(rows of `glideslope validate` with `supported`, RAGTruth, SummEdits, FinQA, "
            "FinanceBench). May be given several times.",
        ),
    ],
    release: Annotated[
        Path | None, typer.Option(help="The release's manifest; else the one that is built in.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Write the run here, for `eval compare`.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts here.")] = None,
    flag_under: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Probability under which F1 counts an answer as flagged; "
            "else what the model has for each kind of answer.",
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Judge labelled answers and print how well they were ranked, with bootstrap intervals."""
    with terminal.told():
        found = _run(sets, read_release(release), flag_under)
        if to is not None:
            to.write_bytes(to_json(found, indent=1) + b"\n")
        if html is not None:
            _write_html(found, html)
    if as_json:
        terminal.print_json({key: value for key, value in found.items() if key != "answers"})
    else:
        _show(found)


@app.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(help="A run that `eval run --out` wrote.")],
    after: Annotated[Path, typer.Argument(help="Another, on the same sets.")],
    as_json: _Json = False,
) -> None:
    """Say of each set whether the second run is better, worse, or nobody can say.

    Exit codes: 0 nothing got worse beyond noise; 1 something did.
    """
    from evals import comparison  # noqa: PLC0415 - the help must not wait for it

    with terminal.told():
        try:
            found = comparison.compare(_read(before), _read(after))
        except comparison.ComparisonError as error:
            raise CommandError(str(error), Exit.USAGE) from error
    if as_json:
        terminal.print_json(
            [
                {
                    "set": each.set,
                    "measure": each.measure,
                    "better_by": each.value,
                    "low": each.low,
                    "high": each.high,
                    "outcome": each.outcome.value,
                }
                for each in found
            ]
        )
    else:
        table = Table("set", "measure", "better by", "95% interval", "outcome")
        for each in found:
            table.add_row(
                each.set,
                each.measure,
                f"{each.value:+.3f}",
                f"{each.low:+.3f} to {each.high:+.3f}",
                each.outcome.value,
            )
        out.print(table)
    if any(each.outcome is comparison.Outcome.WORSE for each in found):
        raise typer.Exit(Exit.FAILED)


def _run(sets: list[Path], release: Any, flag_under: float | None) -> Mapping[str, Any]:
    try:
        from evals import judging, report  # noqa: PLC0415 - the help must not wait for it
        from evals import sets as labelled  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[evals]") from error
    try:
        examples = [example for path in sets for example in labelled.load(path)]
        data = {path.name: labelled.digest(path) for path in sets}
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    except labelled.SetError as error:
        raise CommandError(str(error)) from error
    judged = list(judging.judge(examples, release))
    parts = report.summarise(judged, flag_under)
    return report.as_json(parts, judged, release, data, flag_under)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict) or "answers" not in found:
        raise CommandError(f"{path} is no run: write one with `glideslope eval run --out`")
    return found


def _write_html(found: Mapping[str, Any], path: Path) -> None:
    from evals import report  # noqa: PLC0415 - the help must not wait for it

    try:
        report.write_html(found, path)
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[evals]") from error


def _show(found: Mapping[str, Any]) -> None:
    from evals.measures import Interval  # noqa: PLC0415 - the help must not wait for it
    from evals.report import shown  # noqa: PLC0415 - as above

    table = Table("set", "answers", "supported", "AUROC", "ECE", "F1 of flagging", "approved")
    for part in found["parts"]:
        table.add_row(
            part["name"],
            f"{part['rows']:,}",
            f"{part['supported']:.0%}",
            *(shown(Interval(**part[name])) for name in ("auroc", "ece", "f1")),
            f"{part['approved']:.0%}",
        )
    out.print(table)
