"""The edge between commands and a terminal: exit codes, one clear line for an error, JSON."""

import asyncio
import json
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any, Final, TypeVar

import typer
from aiokafka.errors import KafkaError
from pydantic import BaseModel, TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape

from glideslope.cluster import ClusterError
from shared.settings import Settings

T = TypeVar("T")

out: Final = Console(highlight=False)
"""Where a command's answer goes."""
err: Final = Console(stderr=True, highlight=False)
"""Where progress and errors go, so that `--json` leaves standard output to the machine."""

JSON_HELP: Final = "Print JSON for machines on standard output, and nothing else there."


class Exit(IntEnum):
    """Exit codes of every command. 2 is typer's own, for wrong usage."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CLUSTER = 3
    REFUSED = 4
    REJECTED = 5
    TIMEOUT = 6


class CommandError(Exception):
    """A command cannot do what it was asked to; its message says what to do next."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


def settings() -> Settings:
    """Read the settings from the environment, or leave with what is wrong with them."""
    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors():
            name = "_".join(str(part) for part in each["loc"])
            complain(f"setting {name}: {each['msg']}")
        raise typer.Exit(Exit.USAGE) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; an error that a person can act on is one line and an exit code."""
    try:
        return asyncio.run(work)
    except ClusterError as error:
        complain(str(error))
        raise typer.Exit(Exit.CLUSTER) from None
    except CommandError as error:
        complain(str(error))
        raise typer.Exit(error.code) from None
    except KafkaError as error:
        complain(
            f"Kafka did not do it ({error}): see that the brokers are up, then repeat the command"
        )
        raise typer.Exit(Exit.CLUSTER) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def complain(message: str) -> None:
    """Print an error."""
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def print_json(data: BaseModel | Any) -> None:
    """Print data as JSON, indented, on standard output."""
    typer.echo(json.dumps(TypeAdapter(Any).dump_python(data, mode="json"), indent=2))
