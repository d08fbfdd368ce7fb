"""`glideslope audit rotate`: new keys in the place of old ones."""

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.audit.erasure import log_key_events
from glideslope.audit.findings import Verdict
from glideslope.audit.keyring import keyring
from glideslope.audit.places import find_logs
from glideslope.commands.audit.arguments import readable
from glideslope.terminal import out
from services.audit.adapters.rotation import rotate_master
from services.audit.settings import AuditSettings


class Which(StrEnum):
    """What is replaced."""

    SIGNING = "signing"
    MASTER = "master"


def command(
    which: Annotated[Which, typer.Argument(help="The keys that sign logs, or the master key.")],
    kms_key_id: Annotated[
        str | None, typer.Option(help="Put the keys under this AWS KMS key; with `master`.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="Put the keys under the master key in this file, which is made where it is not "
            "there; with `master`."
        ),
    ] = None,
) -> None:
    """Replace the keys that sign logs, or the master key that encrypts all others.

    A new signing key is published beside the log, signed by the one before it, so that whoever
    knows an earlier one follows; a running audit begins to use it when it is started next. Under a
    new master key nothing in the logs changes: stop audit first. Without an option the new master
    key is made where the old one is. Exit codes: 0; 22 the keys or a log cannot be opened.
    """
    settings = terminal.settings(AuditSettings)
    if which is Which.MASTER:
        with readable():
            count = rotate_master(settings, kms_key_id=kms_key_id, key_file=key_file)
        out.print(f"{count} secrets are under the new master key")
        if kms_key_id is not None:
            out.print(f"now set GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID={kms_key_id}", soft_wrap=True)
        elif key_file is not None:
            out.print(f"now set GLIDESLOPE_AUDIT_MASTER_KEY_FILE={key_file}", soft_wrap=True)
        return
    if kms_key_id is not None or key_file is not None:
        raise typer.BadParameter("--kms-key-id and --key-file are of the master key")
    _rotate_signing(settings)


def _rotate_signing(settings: AuditSettings) -> None:
    with readable():
        open_keys = keyring(settings)
        if open_keys is None:
            terminal.complain(f"there are no keys in {settings.keys_folder}: nothing to rotate")
            raise typer.Exit(Verdict.UNVERIFIABLE)
        logs = find_logs(None, settings)
        with closing(open_keys()) as keys:
            for log in (log for log in logs if log.name.isdecimal()):
                key = keys.rotate_signer(f"{settings.deployment}/{log.name}").verifier()
                out.print(str(key), soft_wrap=True, markup=False)
        logged = log_key_events(settings, logs)
    if follow := ", ".join(logged.to_follow + logged.elsewhere):
        out.print(f"a running audit writes {follow}: it signs with the new key after a restart")
