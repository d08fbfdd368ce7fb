"""A key store in a file of this machine, every secret in it encrypted (see `vault`).

Several processes may use the store at once. A person's name is not in it, only an HMAC of it.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.adapters.master import Master
from services.audit.adapters.vault import Vault
from services.audit.tlog.blob import Key
from services.audit.tlog.keystore import HeldError, KeyEvent, Owner, UnknownSubjectError
from services.audit.tlog.leaf import (
    ERASURE_REFUSED,
    HELD,
    RELEASED,
    SHREDDED,
    SIGNING_KEY_ROTATED,
)
from services.audit.tlog.note import SignerKey

NAME: Final = "keys-1.sqlite"
_CACHED: Final = 10_000


class LocalKeys:
    """A `KeyStore`. Used by several threads."""

    def __init__(self, folder: Path, master: Master | bytes) -> None:
        """Open the store in `folder`, or begin one, under a master key (bytes: a local one).

        Raises `KeyStoreError`.
        """
        self._lock = threading.Lock()
        self._cache: OrderedDict[Owner, Key] = OrderedDict()
        self._seen = -1
        self._vault = Vault(folder / NAME, master)

    @property
    def id(self) -> str:
        """See `KeyStore`."""
        return self._vault.id

    def key(self, key_id: str) -> Key | None:
        """See `KeyReader`."""
        with self._lock:
            row = self._vault.row("SELECT secret FROM keys WHERE id = ?", key_id)
        if row is None or row[0] is None:
            return None
        return Key(key_id, self._vault.unseal(row[0], key_id))

    def wrapping(self, owners: Iterable[Owner]) -> Mapping[Owner, Key]:
        """See `KeyStore`."""
        with self._lock:
            self._forget_what_others_erased()
            found = {owner: self._cache.get(owner) for owner in owners}
            found = {owner: key or self._stored(owner) for owner, key in found.items()}
            if missing := [owner for owner in found if found[owner] is None]:
                with self._vault.writing():
                    for owner in missing:
                        found[owner] = self._stored(owner) or self._made(owner)
            keys = {owner: key for owner, key in found.items() if key is not None}
            for owner, key in keys.items():
                self._cache[owner] = key
                self._cache.move_to_end(owner)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return keys

    def events(self, since: int) -> Sequence[KeyEvent]:
        """See `KeyStore`."""
        with self._lock:
            rows = self._vault.rows(
                "SELECT number, type, at, tenant, subject_key, detail, event_id FROM events"
                " WHERE number >= ? ORDER BY number",
                since,
            )
        return [
            KeyEvent(
                number=number,
                type=type_,
                at=at,
                tenant=tenant,
                subject_key=key_id,
                detail=json.loads(self._vault.unseal(sealed, f"event {number}")),
                event_id=event_id,
            )
            for number, type_, at, tenant, key_id, sealed, event_id in rows
        ]

    def signers(self, origin: str) -> Sequence[SignerKey]:
        """See `KeyStore`."""
        with self._lock:
            if not self._signers(origin):
                with self._vault.writing():
                    if not self._signers(origin):
                        self._add_signer(origin, 0)
            return self._signers(origin)

    def rotate_signer(self, origin: str) -> SignerKey:
        """See `KeyStore`."""
        with self._lock, self._vault.writing():
            old = self._signers(origin)
            new = self._add_signer(origin, len(old))
            self._happened(
                SIGNING_KEY_ROTATED, "", None, {"origin": origin}, event_id=str(new.verifier())
            )
        return new

    def erase(self, owner: Owner, reason: str) -> str:
        """See `KeyStore`."""
        with self._lock:
            with self._vault.writing():
                key = self._stored(owner)
                held = self._held(owner)
                if held:
                    key_id = None if key is None else key.id
                    self._happened(ERASURE_REFUSED, owner.tenant, key_id, {"reason": reason})
                elif key is not None:
                    self._vault.rows(
                        "UPDATE keys SET owner = NULL, secret = NULL WHERE id = ?", key.id
                    )
                    self._happened(SHREDDED, owner.tenant, key.id, {"reason": reason})
            if held:
                raise HeldError(
                    f"{owner.subject} of {owner.tenant} is under a legal hold, so nothing was "
                    "erased; that it was asked for is logged. End the hold first"
                )
            if key is None:
                raise _unknown(owner)
            self._cache.pop(owner, None)
            self._vault.overwrite()
        return key.id

    def hold(self, owner: Owner, reason: str) -> None:
        """See `KeyStore`."""
        with self._lock, self._vault.writing():
            self._vault.rows("INSERT OR IGNORE INTO holds VALUES (?)", self._vault.index(owner))
            key = self._stored(owner)
            key_id = None if key is None else key.id
            self._happened(HELD, owner.tenant, key_id, {"reason": reason})

    def release(self, owner: Owner, reason: str) -> None:
        """See `KeyStore`."""
        with self._lock, self._vault.writing():
            if not self._held(owner):
                raise UnknownSubjectError(
                    f"{owner.subject} of {owner.tenant} is under no legal hold"
                )
            self._vault.rows("DELETE FROM holds WHERE owner = ?", self._vault.index(owner))
            key = self._stored(owner)
            key_id = None if key is None else key.id
            self._happened(RELEASED, owner.tenant, key_id, {"reason": reason})

    def rotate_master(self, master: Master | bytes) -> int:
        """Encrypt every secret under another master key; return how many.

        The blobs of the logs are not touched. Raises `KeyStoreError`, changing nothing.
        """
        with self._lock:
            return self._vault.rotate(master)

    def close(self) -> None:
        """See `KeyStore`."""
        self._vault.close()

    # ── with the lock held ────────────────────────────────────────────────────────────────────

    def _forget_what_others_erased(self) -> None:
        version = self._vault.version()
        if version != self._seen:
            self._cache.clear()
            self._seen = version

    def _stored(self, owner: Owner) -> Key | None:
        row = self._vault.row(
            "SELECT id, secret FROM keys WHERE owner = ?", self._vault.index(owner)
        )
        return None if row is None else Key(row[0], self._vault.unseal(row[1], row[0]))

    def _made(self, owner: Owner) -> Key:
        key = Key.generate()
        sealed = self._vault.seal(key.secret, key.id)
        self._vault.rows(
            "INSERT INTO keys VALUES (?, ?, ?)", key.id, self._vault.index(owner), sealed
        )
        return key

    def _held(self, owner: Owner) -> bool:
        held = self._vault.row("SELECT 1 FROM holds WHERE owner = ?", self._vault.index(owner))
        return held is not None

    def _signers(self, origin: str) -> list[SignerKey]:
        rows = self._vault.rows(
            "SELECT number, secret FROM signers WHERE origin = ? ORDER BY number", origin
        )
        secrets = [self._vault.unseal(secret, f"{origin} {number}") for number, secret in rows]
        return [SignerKey(origin, Ed25519PrivateKey.from_private_bytes(each)) for each in secrets]

    def _add_signer(self, origin: str, number: int) -> SignerKey:
        key = SignerKey.generate(origin)
        sealed = self._vault.seal(key.private.private_bytes_raw(), f"{origin} {number}")
        self._vault.rows("INSERT INTO signers VALUES (?, ?, ?)", origin, number, sealed)
        return key

    def _happened(
        self,
        type_: str,
        tenant: str,
        subject_key: str | None,
        detail: Mapping[str, str],
        event_id: str | None = None,
    ) -> None:
        [(number,)] = self._vault.rows("SELECT coalesce(max(number), -1) + 1 FROM events")
        sealed = self._vault.seal(json.dumps(detail).encode(), f"event {number}")
        row = (number, type_, time.time_ns() // 1_000_000, tenant, subject_key, sealed, event_id)
        self._vault.rows("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", *row)


def _unknown(owner: Owner) -> UnknownSubjectError:
    return UnknownSubjectError(
        f"there is no key of {owner.subject} of {owner.tenant}: no record of theirs was logged, "
        "or all are erased. Compare the subject with the events' ce_subject, and the tenant"
    )
