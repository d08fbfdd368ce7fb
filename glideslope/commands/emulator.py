"""`glideslope emulator`: a stand-in for model providers, by itself."""

import asyncio
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.terminal import CommandError


def command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
) -> None:
    """Speak the protocols of Bedrock and OpenAI, quote from the prompt, and fail as told.

    Prints the address when it serves. `PUT /emulator` takes how it is to behave, a JSON list such
    as `[{"model": "*", "fault": "throttled", "retry_after": 2}]`; `GET /emulator` counts the calls.
    """
    terminal.run(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    from glideslope.emulator.server import serving  # noqa: PLC0415 - other commands need it not

    try:
        async with serving(host=host, port=port) as url:
            terminal.out.print(url, soft_wrap=True)
            await asyncio.Event().wait()
    except OSError as error:
        raise CommandError(
            f"cannot serve on {host}:{port} ({error.strerror or error}): choose another --port"
        ) from error
