"""A key store in an SQLite file, every secret in it encrypted under a master key.

The master key is one of this machine, or one that AWS KMS keeps (see `adapters.master`). Several
processes of one machine may use the store at once. What is erased is overwritten in the file, at
once, and was encrypted under the master key before: who destroys that key destroys every copy. A
person's name is not in it, only an HMAC of it under a secret of the store.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.adapters.folder import FILE_MODE, make_folder
from services.audit.adapters.master import LocalMaster, Master, WrongMasterError
from services.audit.tlog.blob import Key
from services.audit.tlog.keystore import (
    HeldError,
    KeyEvent,
    MasterKeyError,
    Owner,
    UnknownSubjectError,
)
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
_BUSY_SECONDS: Final = 30

_SCHEMA: Final = """
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS store (
        one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, index_key BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, owner BLOB UNIQUE, secret BLOB);
    CREATE TABLE IF NOT EXISTS holds (owner BLOB PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS signers (
        origin TEXT, number INTEGER, secret BLOB NOT NULL, PRIMARY KEY (origin, number)
    );
    CREATE TABLE IF NOT EXISTS events (
        number INTEGER PRIMARY KEY, type TEXT NOT NULL, at INTEGER NOT NULL, tenant TEXT NOT NULL,
        subject_key TEXT, detail BLOB NOT NULL, event_id TEXT
    );
    COMMIT;
"""


class LocalKeys:
    """A `KeyStore`. Used by several threads."""

    def __init__(self, folder: Path, master: Master | bytes) -> None:
        """Open the store in `folder`, or begin one, under a master key (bytes: a local one).

        Raises `KeyStoreError`.
        """
        self._master = _master(master)
        self._lock = threading.Lock()
        self._cache: OrderedDict[Owner, Key] = OrderedDict()
        self._seen = -1
        self._path = folder / NAME
        make_folder(folder)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, FILE_MODE))
        self._database = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
            self._id, self._index_key = self._identity()
        except BaseException:
            self._database.close()
            raise

    @property
    def id(self) -> str:
        """See `KeyStore`."""
        return self._id

    def key(self, key_id: str) -> Key | None:
        """See `KeyReader`."""
        with self._lock:
            row = self._database.execute(
                "SELECT secret FROM keys WHERE id = ?", (key_id,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return Key(key_id, self._unseal(row[0], key_id))

    def wrapping(self, owners: Iterable[Owner]) -> Mapping[Owner, Key]:
        """See `KeyStore`."""
        with self._lock:
            self._forget_what_others_erased()
            found = {owner: self._cache.get(owner) for owner in owners}
            found = {owner: key or self._stored(owner) for owner, key in found.items()}
            if missing := [owner for owner in found if found[owner] is None]:
                with self._writing():
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
            rows = self._database.execute(
                "SELECT number, type, at, tenant, subject_key, detail, event_id FROM events"
                " WHERE number >= ? ORDER BY number",
                (since,),
            ).fetchall()
        return [
            KeyEvent(
                number=number,
                type=type_,
                at=at,
                tenant=tenant,
                subject_key=key_id,
                detail=json.loads(self._unseal(sealed, f"event {number}")),
                event_id=event_id,
            )
            for number, type_, at, tenant, key_id, sealed, event_id in rows
        ]

    def signers(self, origin: str) -> Sequence[SignerKey]:
        """See `KeyStore`."""
        with self._lock:
            if not self._signers(origin):
                with self._writing():
                    if not self._signers(origin):
                        self._add_signer(origin, 0)
            return self._signers(origin)

    def rotate_signer(self, origin: str) -> SignerKey:
        """See `KeyStore`."""
        with self._lock, self._writing():
            old = self._signers(origin)
            new = self._add_signer(origin, len(old))
            self._happened(
                SIGNING_KEY_ROTATED, "", None, {"origin": origin}, event_id=str(new.verifier())
            )
        return new

    def erase(self, owner: Owner, reason: str) -> str:
        """See `KeyStore`."""
        with self._lock:
            with self._writing():
                key = self._stored(owner)
                held = self._held(owner)
                if held:
                    key_id = None if key is None else key.id
                    self._happened(ERASURE_REFUSED, owner.tenant, key_id, {"reason": reason})
                elif key is not None:
                    self._database.execute(
                        "UPDATE keys SET owner = NULL, secret = NULL WHERE id = ?", (key.id,)
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
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return key.id

    def hold(self, owner: Owner, reason: str) -> None:
        """See `KeyStore`."""
        with self._lock, self._writing():
            self._database.execute("INSERT OR IGNORE INTO holds VALUES (?)", (self._mac(owner),))
            key = self._stored(owner)
            key_id = None if key is None else key.id
            self._happened(HELD, owner.tenant, key_id, {"reason": reason})

    def release(self, owner: Owner, reason: str) -> None:
        """See `KeyStore`."""
        with self._lock, self._writing():
            if not self._held(owner):
                raise UnknownSubjectError(
                    f"{owner.subject} of {owner.tenant} is under no legal hold"
                )
            self._database.execute("DELETE FROM holds WHERE owner = ?", (self._mac(owner),))
            key = self._stored(owner)
            key_id = None if key is None else key.id
            self._happened(RELEASED, owner.tenant, key_id, {"reason": reason})

    def rotate_master(self, master: Master | bytes) -> int:
        """Encrypt every secret under another master key, all in one transaction; return how many.

        The blobs of the logs are not touched. Raises `KeyStoreError`, changing nothing.
        """
        old, new = self._master, _master(master)
        count = 0
        with self._lock, self._writing():
            for table, column, label in _SEALED:
                rows = self._database.execute(
                    f"SELECT rowid, {label}, {column} FROM {table}"  # noqa: S608 - constants
                    f" WHERE {column} IS NOT NULL"
                ).fetchall()
                for rowid, name, sealed in rows:
                    self._master = old
                    secret = self._unseal(sealed, name)
                    self._master = new
                    self._database.execute(
                        f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608 - names of ours
                        (self._seal(secret, name), rowid),
                    )
                count += len(rows)
            self._master = new
        with self._lock:  # what was encrypted under the old key is not to outlive it in the log
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def close(self) -> None:
        """See `KeyStore`."""
        self._database.close()

    # ── with the lock held ────────────────────────────────────────────────────────────────────

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: all of it durable, or nothing."""
        master = self._master
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            self._master = master
            raise
        self._database.execute("COMMIT")

    def _identity(self) -> tuple[str, bytes]:
        with self._writing():
            row = self._database.execute("SELECT id, index_key FROM store").fetchone()
            if row is None:
                row = (os.urandom(16).hex(), self._seal(os.urandom(32), "index key"))
                self._database.execute("INSERT INTO store VALUES (1, ?, ?)", row)
        return row[0], self._unseal(row[1], "index key")

    def _forget_what_others_erased(self) -> None:
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        if version != self._seen:
            self._cache.clear()
            self._seen = version

    def _stored(self, owner: Owner) -> Key | None:
        row = self._database.execute(
            "SELECT id, secret FROM keys WHERE owner = ?", (self._mac(owner),)
        ).fetchone()
        return None if row is None else Key(row[0], self._unseal(row[1], row[0]))

    def _made(self, owner: Owner) -> Key:
        key = Key.generate()
        self._database.execute(
            "INSERT INTO keys VALUES (?, ?, ?)",
            (key.id, self._mac(owner), self._seal(key.secret, key.id)),
        )
        return key

    def _held(self, owner: Owner) -> bool:
        return (
            self._database.execute(
                "SELECT 1 FROM holds WHERE owner = ?", (self._mac(owner),)
            ).fetchone()
            is not None
        )

    def _signers(self, origin: str) -> list[SignerKey]:
        rows = self._database.execute(
            "SELECT number, secret FROM signers WHERE origin = ? ORDER BY number", (origin,)
        ).fetchall()
        return [
            SignerKey(
                origin,
                Ed25519PrivateKey.from_private_bytes(self._unseal(secret, f"{origin} {number}")),
            )
            for number, secret in rows
        ]

    def _add_signer(self, origin: str, number: int) -> SignerKey:
        key = SignerKey.generate(origin)
        sealed = self._seal(key.private.private_bytes_raw(), f"{origin} {number}")
        self._database.execute("INSERT INTO signers VALUES (?, ?, ?)", (origin, number, sealed))
        return key

    def _happened(
        self,
        type_: str,
        tenant: str,
        subject_key: str | None,
        detail: Mapping[str, str],
        event_id: str | None = None,
    ) -> None:
        (number,) = self._database.execute(
            "SELECT coalesce(max(number), -1) + 1 FROM events"
        ).fetchone()
        sealed = self._seal(json.dumps(detail).encode(), f"event {number}")
        row = (number, type_, time.time_ns() // 1_000_000, tenant, subject_key, sealed, event_id)
        self._database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _mac(self, owner: Owner) -> bytes:
        return hmac.digest(self._index_key, json.dumps(owner).encode(), hashlib.sha256)

    def _seal(self, secret: bytes, name: str) -> bytes:
        return self._master.wrap(secret, name)

    def _unseal(self, sealed: bytes, name: str) -> bytes:
        try:
            return self._master.unwrap(sealed, name)
        except WrongMasterError as error:
            raise MasterKeyError(
                f"the keys in {self._path} are encrypted under another master key: set "
                "GLIDESLOPE_AUDIT_MASTER_KEY, GLIDESLOPE_AUDIT_MASTER_KEY_FILE or "
                "GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID to what it was"
            ) from error


def _master(given: Master | bytes) -> Master:
    return LocalMaster(given) if isinstance(given, bytes) else given


# Table, column, and the expression that gives the name that each secret is bound to.
_SEALED: Final[Sequence[tuple[str, str, Any]]] = (
    ("store", "index_key", "'index key'"),
    ("keys", "secret", "id"),
    ("signers", "secret", "origin || ' ' || number"),
    ("events", "detail", "'event ' || number"),
)


def _unknown(owner: Owner) -> UnknownSubjectError:
    return UnknownSubjectError(
        f"there is no key of {owner.subject} of {owner.tenant}: no record of theirs was logged, "
        "or all are erased. Compare the subject with the events' ce_subject, and the tenant"
    )
