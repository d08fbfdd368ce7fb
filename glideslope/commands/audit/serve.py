"""`glideslope audit serve`: logs for standard clients."""

from typing import Annotated

import typer
import uvicorn

from glideslope import terminal
from glideslope.audit.places import find_logs
from glideslope.audit.serve import served
from glideslope.commands.audit.arguments import LogArgument, readable
from glideslope.terminal import err
from services.audit.settings import AuditSettings


def command(
    log: LogArgument = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8088,
) -> None:
    """Serve checkpoints, tiles and keys over HTTP, read only, for standard clients and witnesses.

    Each log under its folder's name: http://HOST:PORT/0/checkpoint, /0/tile/…
    """
    with readable():
        logs = find_logs(log, terminal.settings(AuditSettings))
    for each in logs:
        err.print(f"http://{host}:{port}/{each.name}/checkpoint", soft_wrap=True, markup=False)
    opened = {each.name: each.open(published=True) for each in logs}
    uvicorn.run(served(opened), host=host, port=port, log_level="error")
