"""Rows of JSON Lines in, one out for each: what `validate` and `screen` have in common."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import typer
from pydantic_core import to_json

from glideslope import terminal
from glideslope.terminal import Exit, err, plain


class RowError(ValueError):
    """A row that cannot be read: what is wrong, and its id, where it has a readable one."""

    def __init__(self, message: str, row_id: Any = None) -> None:
        super().__init__(message)
        self.row_id = row_id

    def told(self, number: int) -> dict[str, Any]:
        """Return the row that comes out in its place; `number` is its line, from 1."""
        return {"id": self.row_id, "line": number, "error": str(self)}


def opened(file: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file, `-` for standard input; end the command where it cannot be read."""
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        terminal.complain(f"{file} cannot be read: {error.strerror}")
        raise typer.Exit(Exit.USAGE) from None


def write(found: Mapping[str, Any]) -> None:
    """Put a row out at once: whoever reads may wait for it before sending the next."""
    sys.stdout.buffer.write(to_json(found) + b"\n")
    sys.stdout.buffer.flush()


def named(found: Mapping[str, Any], number: int) -> str:
    """Return what a person calls the row: its id, else the number of its line."""
    return plain(str(number if found["id"] is None else found["id"]))


def show_error(found: Mapping[str, Any], number: int) -> bool:
    """Show a row that could not be read; False where it is another."""
    if "error" not in found:
        return False
    err.print(f"{named(found, number)}: {plain(found['error'])}", markup=False, soft_wrap=True)
    return True


def counted(number: int) -> str:
    """Return how many rows there are, in words."""
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def end(*, unread: int, of: int) -> None:
    """End the command with an error if any row could not be read."""
    if unread:
        terminal.complain(f"{unread:,} of {counted(of)} could not be read")
        raise typer.Exit(Exit.FAILED)
