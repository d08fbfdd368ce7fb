"""`glideslope docs`: the generated part of the documentation."""

from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.")] = Path("docs"),
    pipeline: Annotated[
        Path, typer.Option("--chart", help="File of the Helm chart that says what services are.")
    ] = Path("deploy/helm/glideslope/files/pipeline.yaml"),
    names: Annotated[
        Path, typer.Option("--variables", help="File of the names of all variables.")
    ] = Path("shared/variables.txt"),
) -> None:
    """Write AsyncAPI, JSON Schemas, and the pages of contract, metrics and settings from code.

    And what the Helm chart has to know of topics, rights and settings, and each service of all
    variables.
    """
    from glideslope import chart, docs, variables  # noqa: PLC0415 - it loads every service, which others need not

    for path in [*docs.write(folder), *chart.write(pipeline), *variables.write(names)]:
        terminal.out.print(str(path), soft_wrap=True)
