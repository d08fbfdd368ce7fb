"""`glideslope docs`: the generated part of the documentation."""

from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.")] = Path("docs"),
) -> None:
    """Write AsyncAPI, JSON Schemas, and the pages of contract, metrics and settings from code."""
    from glideslope import docs  # noqa: PLC0415 - it loads every service, which others need not

    for path in docs.write(folder):
        terminal.out.print(str(path), soft_wrap=True)
