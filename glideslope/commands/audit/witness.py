"""`glideslope audit witness`: watches logs for others, and vouches for what it saw."""

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.audit import signer as signers
from glideslope.audit.cosignatures import cosignature_path
from glideslope.audit.findings import Verdict
from glideslope.audit.objects import MissingObjectError, UnreadableObjectError
from glideslope.audit.places import NotLeftError, Place, find_followed
from glideslope.audit.signer import SignerError
from glideslope.audit.witness import RefusedError, Witness
from glideslope.audit.witness_state import WitnessState, WitnessStateError
from glideslope.commands.audit.arguments import readable, verifier_key
from glideslope.terminal import out, plain
from services.audit.settings import AuditSettings
from services.audit.tlog.note import COSIGNATURE


def command(  # noqa: PLR0913, PLR0917 - a witness and its key
    logs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Logs to follow: a folder, s3://bucket/prefix, or the web address of one log, as "
            "`audit serve` serves it."
        ),
    ] = None,
    signer: Annotated[
        Path | None,
        typer.Option(help="File of the witness's private key; `signer.key` in its state."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder of what it cosigned; GLIDESLOPE_HOME/witness if not given."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Verifier key of a log that is new to this witness. Repeatable."),
    ] = None,
    publish: Annotated[
        bool, typer.Option(help="Put the cosigned checkpoint beside the log too.")
    ] = False,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on, with this many seconds between rounds.")
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(help="Make a private key of this name, print its verifier key, and end."),
    ] = None,
    show_key: Annotated[bool, typer.Option(help="Print the verifier key, and end.")] = False,
) -> None:
    """Cosign the checkpoints of logs, each only if it continues the one that was cosigned before.

    Run it where those who run the log cannot write. `audit verify --witness KEY` then shows a log
    that was made anew or set back, also by somebody who has its signing key. Exit codes: 0 all
    are cosigned; 20 one is refused: set back, made anew, or not signed; 22 one cannot be read;
    2 wrong usage.
    """
    settings = terminal.settings(AuditSettings)
    folder = state or settings.home / "witness"
    file = signer or folder / "signer.key"
    try:
        private = signers.load(file) if new_key is None else signers.create(file, new_key)
    except SignerError as error:
        terminal.complain(str(error))
        raise typer.Exit(Verdict.UNVERIFIABLE) from None
    if new_key is not None or show_key:
        typer.echo(str(private.verifier(COSIGNATURE)))
        return
    if not logs:
        raise typer.BadParameter("name at least one log to follow", param_hint="LOGS")
    keys = [verifier_key(each, "--key") for each in key or ()]
    witness = Witness(private, WitnessState(folder), keys)
    with readable():
        places = [place for each in logs for place in find_followed(each, settings)]
    worst = Verdict.INTACT
    try:
        while True:
            came = [_cosign(witness, place, publish=publish) for place in places]
            worst = _worse(worst, *came)
            if every is None:
                break
            time.sleep(every)
    except KeyboardInterrupt:
        pass
    raise typer.Exit(worst)


def _cosign(witness: Witness, place: Place, *, publish: bool) -> Verdict:
    """Do one log, and say what came of it."""
    try:
        with closing(place.open(published=True)) as objects:
            done = witness.cosign(objects)
        if publish:
            place.leave(cosignature_path(witness.verifier), bytes(done.note))
    except RefusedError as error:
        terminal.complain(f"not cosigned: {error}")
        return Verdict.TAMPERED
    except MissingObjectError as error:
        terminal.complain(f"not cosigned: {place} has no {error}, which a check needs")
        return Verdict.UNVERIFIABLE
    except (UnreadableObjectError, WitnessStateError) as error:
        terminal.complain(f"not cosigned: {error}")
        return Verdict.UNVERIFIABLE
    except NotLeftError as error:
        terminal.complain(f"cosigned, and kept in the state alone: {error}")
        return Verdict.UNVERIFIABLE
    before = "for the first time" if done.before is None else f"{done.before} before"
    out.print(
        f"cosigned {plain(done.checkpoint.origin)}: {done.checkpoint.size} entries, {before}",
        soft_wrap=True,
        markup=False,
    )
    return Verdict.INTACT


def _worse(*verdicts: Verdict) -> Verdict:
    for each in (Verdict.TAMPERED, Verdict.UNVERIFIABLE):
        if each in verdicts:
            return each
    return Verdict.INTACT
