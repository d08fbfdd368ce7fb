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
) -> None:
    """Write AsyncAPI, JSON Schemas, and the pages of contract, metrics and settings from code.

    And what the Helm chart has to know of topics, rights and settings.
    """
    from glideslope import chart, docs  # noqa: PLC0415 - it loads every service, which others need not

    for path in [*docs.write(folder), *chart.write(pipeline)]:
        terminal.out.print(str(path), soft_wrap=True)
