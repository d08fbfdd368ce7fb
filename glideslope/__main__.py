"""The command line: `glideslope`, or `python -m glideslope`."""

import logging
import os
from collections.abc import Mapping
from importlib import import_module, metadata
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from shared import variables

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: f"glideslope.commands.{'evaluate' if name == 'eval' else name}"
        for name in (
            "up",
            "demo",
            "ask",
            "index",
            "status",
            "load",
            "size",
            "validate",
            "screen",
            "calibrate",
            "eval",
            "release",
            "review",
            "audit",
            "dlq",
            "topics",
            "access",
            "emulator",
            "docs",
        )
    }
)
"""The module of each command, in the order of the help: a function `command`, or a group `app`."""


class _Commands(TyperGroup):
    """Loads a command's module when it is asked for: all of them take most of a second."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(COMMANDS[cmd_name])
        if hasattr(module, "app"):
            command: Any = get_group(module.app)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command()(module.command)
            command = get_command(alone)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="glideslope",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        try:
            typer.echo(metadata.version("glideslope"))
        except metadata.PackageNotFoundError:  # an image has the code, and no package of it
            typer.echo(
                "not installed as a package: see the image's org.opencontainers.image.version"
            )
        raise typer.Exit


@app.callback()
def glideslope(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Questions on Kafka come back as checked, audited answers."""
    del version  # its callback has dealt with it
    if variables.unknown(os.environ):
        # imported here: most of a second, which nobody waits for who wants help
        from glideslope import terminal  # noqa: PLC0415 - see above

        terminal.warn_of_unknown()


def main() -> None:
    """Run the command line."""
    # What the Kafka client has to say reaches the user as one line from `terminal`.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    # So does what it leaves in futures of its own that nobody looks at.
    logging.getLogger("asyncio").addFilter(_is_not_of_kafka)
    app()


def _is_not_of_kafka(record: logging.LogRecord) -> bool:
    # imported here: only what was logged with an error needs it, and then it is there
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - see above

    return record.exc_info is None or not isinstance(record.exc_info[1], KafkaError)


if __name__ == "__main__":
    main()
