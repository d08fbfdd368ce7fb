"""`glideslope audit erase | hold | release`: what an auditor does about a person."""

import shlex
from collections.abc import Callable
from contextlib import closing
from typing import Annotated, Final

import typer

from glideslope import terminal
from glideslope.audit.erasure import log_key_events
from glideslope.audit.findings import Verdict
from glideslope.audit.keyring import keyring
from glideslope.audit.places import find_logs
from glideslope.commands.audit.arguments import readable
from glideslope.indexing import Progress
from glideslope.intake import Order, take
from glideslope.subjects import tell_erased
from glideslope.terminal import Exit, out, plain
from services.audit.settings import AuditSettings
from services.audit.tlog.keystore import (
    HeldError,
    KeyStore,
    KeyStoreError,
    Owner,
    UnknownSubjectError,
)

_INDEXED_SECONDS: Final = 60.0

Subject = Annotated[str, typer.Argument(help="The person, as ce_subject of their events says.")]
Reason = Annotated[str, typer.Option(help="Why; it is logged, encrypted for the tenant.")]
Tenant = Annotated[str | None, typer.Option(help="Whose person; the default tenant if not given.")]


def erase(
    subject: Subject,
    reason: Reason,
    tenant: Tenant = None,
    documents: Annotated[
        bool, typer.Option(help="Remove the documents that are their data from the index, too.")
    ] = True,
    reviews: Annotated[
        bool, typer.Option(help="Have the review queue forget what they asked, too.")
    ] = True,
) -> None:
    """Erase a person: destroy the key of their records, log it, delete what is kept in the clear.

    That is their documents, and what they asked in the review queue: what still waits there is
    refused. It cannot be undone. Every proof still holds. Results that left, and what other systems
    keep, are not touched. Exit codes: 0; 1 refused because of a legal hold, or nobody of that name;
    22 the keys or a log cannot be opened. The key is gone, but not all the rest: 3 the cluster
    cannot be worked with; 5, 6 a deletion was not accepted, or is not in the index in time.
    """
    owner = _change(tenant, subject, lambda keys, owner: keys.erase(owner, reason), "erased")
    if reviews:
        _tell_review(owner.tenant, subject, documents=documents)
    if documents:
        _delete_documents(owner.tenant, subject)


def hold(subject: Subject, reason: Reason, tenant: Tenant = None) -> None:
    """Put a person under a legal hold: they are not erased until it is released."""
    _change(tenant, subject, lambda keys, owner: keys.hold(owner, reason), "under a hold")


def release(subject: Subject, reason: Reason, tenant: Tenant = None) -> None:
    """End a person's legal hold."""
    _change(tenant, subject, lambda keys, owner: keys.release(owner, reason), "released")


def _change(
    tenant: str | None, subject: str, change: Callable[[KeyStore, Owner], object], done: str
) -> Owner:
    settings = terminal.settings(AuditSettings)
    owner = Owner(tenant or settings.default_tenant, subject)
    refusal: KeyStoreError | None = None
    with readable():
        open_keys = keyring(settings)
        if open_keys is None:
            terminal.complain(f"there are no keys in {settings.keys_folder}: nothing to change")
            raise typer.Exit(Verdict.UNVERIFIABLE)
        with closing(open_keys()) as keys:
            try:
                change(keys, owner)
            except (HeldError, UnknownSubjectError) as error:
                refusal = error  # a refusal is logged too
        logged = log_key_events(settings, find_logs(None, settings))
    if refusal is not None:
        terminal.complain(str(refusal))
        raise typer.Exit(Exit.FAILED)
    follow = ", ".join(logged.to_follow)
    out.print(
        f"{done}: {plain(subject)} of {plain(owner.tenant)}; logged in {len(logged.done)} logs"
        + (f", and by the running audit in {follow} before its next record" if follow else ""),
        soft_wrap=True,
        markup=False,
    )
    if logged.elsewhere:
        terminal.complain(
            f"another machine writes {', '.join(logged.elsewhere)}: the audit there logs it before "
            f"its next record if it has this very key store, {settings.keys_folder}. If that is a "
            "copy, it goes on with its own: give this command there"
        )
    return owner


def _tell_review(tenant: str, subject: str, *, documents: bool) -> None:
    try:
        terminal.run(tell_erased(terminal.cluster_settings(), tenant, subject))
    except typer.Exit:
        again = shlex.join(["glideslope", "review", "forget", subject, "--tenant", tenant])
        terminal.complain(
            "the key is destroyed, but the review queue has not been told to forget what they "
            f"asked: repeat it with {again}"
        )
        if documents:
            _complain_of_documents(tenant, subject, "what is indexed of this person")
        raise
    out.print("review was told to forget what they asked")


def _delete_documents(tenant: str, subject: str) -> None:
    progress = Progress()
    order = Order(delete_subjects=(subject,))
    try:
        terminal.run(
            take(
                order,
                terminal.cluster_settings(),
                progress,
                tenant=tenant,
                seconds=_INDEXED_SECONDS,
            )
        )
    except typer.Exit:
        _complain_of_documents(tenant, subject, "what is indexed of this person")
        raise
    if progress.rejected or not progress.done:
        left = sorted(progress.published - progress.indexed)
        _complain_of_documents(tenant, subject, ", ".join(left))
        raise typer.Exit(Exit.REJECTED if progress.rejected else Exit.TIMEOUT)
    out.print(f"{len(progress.indexed)} documents deleted")


def _complain_of_documents(tenant: str, subject: str, what: str) -> None:
    again = shlex.join(["glideslope", "index", "--delete-subject", subject, "--tenant", tenant])
    terminal.complain(
        f"the key is destroyed, but {what} can still be found: repeat it with {again}"
    )
