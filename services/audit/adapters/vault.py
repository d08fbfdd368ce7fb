"""An SQLite file of secrets, each encrypted under a master key and bound to its name.

The master key is one of this machine, or one that AWS KMS keeps (see `adapters.master`). What is
taken out is overwritten in the file, at once, and was encrypted before: who destroys the master key
destroys every copy. Several processes of one machine may use the file at once; the threads of one
take turns, which is up to them.
"""

import hashlib
import hmac
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.audit.adapters.folder import FILE_MODE, make_folder
from services.audit.adapters.master import LocalMaster, Master, WrongMasterError
from services.audit.tlog.keystore import MasterKeyError

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

# Table, column, and the expression that gives the name that each secret is bound to.
_SEALED: Final[Sequence[tuple[str, str, str]]] = (
    ("store", "index_key", "'index key'"),
    ("keys", "secret", "id"),
    ("signers", "secret", "origin || ' ' || number"),
    ("events", "detail", "'event ' || number"),
)


class Vault:
    """The file. `id` is its own, random."""

    def __init__(self, path: Path, master: Master | bytes) -> None:
        """Open the file, or begin it, under a master key (bytes: a local one).

        Raises `KeyStoreError`.
        """
        self._master = _master(master)
        self._path = path
        make_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
        self._database = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
            self.id, self._index_key = self._identity()
        except BaseException:
            self._database.close()
            raise

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return self._database.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """Run a statement and return its first row, None where there is none."""
        found: tuple[Any, ...] | None = self._database.execute(sql, values).fetchone()
        return found

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make what is done meanwhile one transaction: all of it durable, or nothing."""
        master = self._master
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            self._master = master
            raise
        self._database.execute("COMMIT")

    def overwrite(self) -> None:
        """Let nothing that is no longer in the file outlive it in SQLite's own log."""
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def version(self) -> int:
        """Return a number that is another one once another process wrote."""
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    def seal(self, secret: bytes, name: str) -> bytes:
        """Return a secret as it is kept, bound to its name."""
        return self._master.wrap(secret, name)

    def unseal(self, sealed: bytes, name: str) -> bytes:
        """Return the secret that is kept so under this name. Raises `MasterKeyError`."""
        try:
            return self._master.unwrap(sealed, name)
        except WrongMasterError as error:
            raise MasterKeyError(
                f"the keys in {self._path} are encrypted under another master key: set "
                "GLIDESLOPE_AUDIT_MASTER_KEY, GLIDESLOPE_AUDIT_MASTER_KEY_FILE or "
                "GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID to what it was"
            ) from error

    def index(self, name: Sequence[str | None]) -> bytes:
        """Return what stands for a name in the file: an HMAC of it under a secret of the file."""
        return hmac.digest(self._index_key, json.dumps(name).encode(), hashlib.sha256)

    def rotate(self, master: Master | bytes) -> int:
        """Encrypt every secret under another master key, all in one transaction; return how many.

        Raises `KeyStoreError`, changing nothing.
        """
        old, new = self._master, _master(master)
        count = 0
        with self.writing():
            for table, column, label in _SEALED:
                rows = self.rows(
                    f"SELECT rowid, {label}, {column} FROM {table}"  # noqa: S608 - constants
                    f" WHERE {column} IS NOT NULL"
                )
                for rowid, name, sealed in rows:
                    self._master = old
                    secret = self.unseal(sealed, name)
                    self._master = new
                    self.rows(
                        f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608 - names of ours
                        self.seal(secret, name),
                        rowid,
                    )
                count += len(rows)
            self._master = new
        self.overwrite()  # what was encrypted under the old key
        return count

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _identity(self) -> tuple[str, bytes]:
        with self.writing():
            row = self.row("SELECT id, index_key FROM store")
            if row is None:
                row = (os.urandom(16).hex(), self.seal(os.urandom(32), "index key"))
                self.rows("INSERT INTO store VALUES (1, ?, ?)", *row)
        return row[0], self.unseal(row[1], "index key")


def _master(given: Master | bytes) -> Master:
    return LocalMaster(given) if isinstance(given, bytes) else given
