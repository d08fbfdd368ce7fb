"""Logs on this machine, opened for writing or for reading.

<home>/audit/<partition>/
    checkpoint, tile/, blobs/, …    the log: see `services.audit.tlog.paths`
    local/journal                   the batch that is being written
    local/lock                      held by the one process that writes; its process id is inside
    local/derived-2.sqlite          for look-up; may be deleted while no process writes
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.journal import Journal
from services.audit.adapters.lookup import SqliteDerived
from services.audit.entry import Entry
from services.audit.log import LogError
from services.audit.tlog import reading
from services.audit.tlog.keystore import KeyReader, KeyStore
from services.audit.tlog.storage import Storage, StorageError
from services.audit.tlog.store import TransparencyStore


def open_store(
    folder: Path,
    origin: str,
    keys: KeyStore,
    *,
    storage: Storage | None = None,
    default_tenant: str = "default",
) -> TransparencyStore:
    """Open the log in `folder` for writing; its local state alone where it lies in `storage`.

    Raises `LogError`.
    """
    try:
        with contextlib.ExitStack() as undo:
            journal = Journal(folder / "local")
            undo.callback(journal.close)
            storage = FolderStorage(folder) if storage is None else storage
            undo.callback(storage.close)
            derived = SqliteDerived.open(folder / "local")
            undo.callback(derived.close)
            store = TransparencyStore(
                origin,
                storage=storage,
                journal=journal,
                derived=derived,
                keys=keys,
                default_tenant=default_tenant,
            )
            undo.pop_all()
            return store
    except (OSError, StorageError, sqlite3.Error) as error:
        raise LogError(
            f"the audit log in {folder} could not be opened: {error!r}. Mend the storage (space, "
            "permissions, health) and start audit again"
        ) from error


def read(folder: Path, keys: KeyReader) -> Iterator[tuple[int, Entry]]:
    """Yield the records in the log in `folder` that the keys open, each with its index.

    It may be read while it is being written. Raises `DamagedError`.
    """
    return reading.read(FolderStorage(folder), keys)
