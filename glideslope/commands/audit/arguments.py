"""What several audit commands take, and how it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.audit.bucket import BucketError
from glideslope.audit.findings import Verdict
from glideslope.audit.places import NoLogError
from services.audit.log import LogError
from services.audit.tlog.keystore import KeyStoreError
from services.audit.tlog.note import BadKeyError, VerifierKey

LOG_HELP = (
    "Folder of a log, or of several, or s3://bucket/prefix. If not given: where the settings "
    "say, GLIDESLOPE_HOME/audit or the bucket. Its keys are looked for in `keys` beside it, then "
    "in GLIDESLOPE_HOME."
)
REQUEST_HELP = "The request's id: the id of its CloudEvent."

Log = Annotated[str | None, typer.Option(help=LOG_HELP)]
LogArgument = Annotated[str | None, typer.Argument(help=LOG_HELP)]
Source = Annotated[
    str | None, typer.Option(help="The request's source, where several senders use one id.")
]
AsJson = Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)]


def verifier_key(text: str, option: str) -> VerifierKey:
    """Return the key that was given with `option`: itself, or a file that holds it."""
    path = Path(text)
    try:
        return VerifierKey.parse(path.read_text(encoding="utf-8") if path.is_file() else text)
    except (BadKeyError, OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(
            f"{text!r} is no verifier key (name+id+base64) and no file that holds one: {error}",
            param_hint=option,
        ) from error


@contextmanager
def readable() -> Iterator[None]:
    """Leave the command with code 22 where a log, or the keys, cannot be read."""
    try:
        yield
    except (BucketError, KeyStoreError, LogError, NoLogError, OSError) as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
