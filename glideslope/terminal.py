"""The edge between commands and a terminal: exit codes, one clear line for an error, JSON."""

import asyncio
import getpass
import os
import sys
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final, TypeVar, overload

import typer
from aiokafka.errors import KafkaError
from pydantic_core import to_json
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.text import Text

from glideslope import kafka
from glideslope.cluster import ClusterError
from shared import variables
from shared.certificates import CertificatesError
from shared.misconfiguration import objections
from shared.msk import SignerMissingError
from shared.settings import Settings

T = TypeVar("T")
S = TypeVar("S", bound=Settings)

_UNCUT: Final = 10_000
"""Columns where no person looks: a program that reads a table gets its cells whole."""

out: Final = Console(highlight=False, width=None if sys.stdout.isatty() else _UNCUT)
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
    DEAD_LETTER = 7
    BEHIND = 8


class CommandError(Exception):
    """A command cannot do what it was asked to; its message says what to do next."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


@overload
def settings() -> Settings: ...


@overload
def settings(kind: type[S]) -> S: ...


def settings(kind: type[Settings] = Settings) -> Settings:
    """Read settings from the environment, or leave with what is wrong with them."""
    must_suit([kind])
    return kind()


def must_suit(kinds: Iterable[type[Settings]]) -> None:
    """Leave with all that is wrong with settings of these kinds, a line each, if anything is."""
    wrong = list(dict.fromkeys(line for kind in kinds for line in objections(kind)))
    for line in wrong:  # what all kinds share is wrong in each of them, and said once
        complain(line)
    if wrong:
        raise typer.Exit(Exit.USAGE)


def warn_of_unknown() -> None:
    """Name the `GLIDESLOPE_…` variables that nothing reads: they are misspelt, or of no use."""
    for line in variables.warnings(os.environ):
        err.print(f"[bold yellow]warning:[/] {escape(plain(line))}", soft_wrap=True)


@overload
def cluster_settings() -> Settings: ...


@overload
def cluster_settings(kind: type[S]) -> S: ...


def cluster_settings(kind: type[Settings] = Settings) -> Settings:
    """Read settings for a command that uses a running cluster.

    Where none is named, it is the one that `glideslope up` runs on the same home.
    """
    found = settings(kind)
    if "bootstrap_servers" in found.model_fields_set:
        return found
    address = kafka.running_at(found.home)
    return found if address is None else found.model_copy(update={"bootstrap_servers": address})


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
    except (CertificatesError, SignerMissingError) as error:
        complain(str(error))
        raise typer.Exit(Exit.USAGE) from None
    except KafkaError as error:
        complain(
            f"Kafka did not do it ({error}): see that the brokers are up, then repeat the command"
        )
        raise typer.Exit(Exit.CLUSTER) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@contextmanager
def told() -> Iterator[None]:
    """Turn an error that a person can act on into one line and an exit code."""
    try:
        yield
    except CommandError as error:
        complain(str(error))
        raise typer.Exit(error.code) from None


def person(given: str | None, option: str) -> str:
    """Return who does something: the name given with `option`, else that of this machine's user.

    Leaves the command when the machine has none, as a container may not.
    """
    if given is not None and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        complain(f"this machine knows no name for you: say who does it with {option}")
        raise typer.Exit(Exit.USAGE) from None


def plain(text: str) -> str:
    """Return foreign text without the control characters that would steer the terminal."""
    return "".join(
        each if each in "\n\t" or each.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def show(*parts: RenderableType) -> None:
    """Print tables, whose cells the terminal's width wraps, and texts, which it wraps itself."""
    for part in parts:
        out.print(part, soft_wrap=isinstance(part, Text))


def complain(message: str) -> None:
    """Print an error."""
    err.print(f"[bold red]error:[/] {escape(plain(message))}", soft_wrap=True)


def print_json(data: Any, *, indent: int | None = 2) -> None:
    """Print models, dataclasses and what holds them as JSON on standard output."""
    typer.echo(to_json(data, indent=indent).decode())
