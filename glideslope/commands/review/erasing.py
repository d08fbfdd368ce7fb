"""`glideslope review forget`: what an erased person asked leaves the queue."""

from typing import Annotated

import typer
from rich.text import Text

from glideslope import terminal
from glideslope.subjects import tell_erased
from glideslope.terminal import out, plain


def forget(
    subject: Annotated[str, typer.Argument(help="The person, as ce_subject of their events says.")],
    tenant: Annotated[
        str | None, typer.Option(help="Whose person; the default tenant if not given.")
    ] = None,
) -> None:
    """Have the queue forget what a person asked until now; what still waits is refused.

    `glideslope audit erase` does it, too. It cannot be undone; the audit log keeps its records.
    """
    settings = terminal.cluster_settings()
    owner = tenant or settings.default_tenant
    terminal.run(tell_erased(settings, owner, subject))
    out.print(Text(plain(f"review was told to forget {subject} of {owner}")), soft_wrap=True)
