"""Logs on this machine, opened for writing or for reading.

<home>/audit/<partition>/
    checkpoint, tile/, blobs/, …    the log: see `services.audit.tlog.paths`
    local/journal                   the batch that is being written
    local/lock                      held by the one process that writes; its process id is inside
    local/derived-2.sqlite          for look-up; may be deleted while no process writes
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.journal import Journal, begun
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.kms import KmsMaster
from services.audit.adapters.lookup import SqliteDerived
from services.audit.adapters.master import LocalMaster, Master, master_key
from services.audit.adapters.s3 import S3Storage
from services.audit.entry import Entry
from services.audit.log import LogError
from services.audit.settings import AuditSettings
from services.audit.tlog import reading
from services.audit.tlog.keystore import KeyReader, KeyStore
from services.audit.tlog.paths import CHECKPOINT
from services.audit.tlog.storage import Storage, StorageError
from services.audit.tlog.store import TransparencyStore


class Stores:
    """Opens logs for writing, all with one key store."""

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._keys: LocalKeys | None = None

    def open(self, partition: int) -> TransparencyStore:
        """Open a partition's log. Blocks. Raises `LogError`, `KeyStoreError`."""
        with self._lock:
            if self._keys is None:
                self._keys = open_keys(self._settings)
        return open_store(
            self._settings.log_folder(partition),
            f"{self._settings.deployment}/{partition}",
            self._keys,
            storage=_bucket(self._settings, partition),
            default_tenant=self._settings.default_tenant,
        )

    def is_new(self, partition: int) -> bool:
        """Whether this machine has no log of the partition yet."""
        return not (self._settings.log_folder(partition) / CHECKPOINT).exists()

    def close(self) -> None:
        """Close the key store, when every log is closed."""
        if self._keys is not None:
            self._keys.close()


def _bucket(settings: AuditSettings, partition: int) -> S3Storage | None:
    if settings.audit_s3_bucket is None:
        return None
    return S3Storage(
        settings.audit_s3_bucket,
        f"{settings.audit_s3_prefix}/{partition}",
        endpoint_url=settings.audit_s3_endpoint,
        retention_days=settings.audit_s3_retention_days,
        kms_key_id=settings.audit_s3_kms_key_id,
    )


def open_keys(settings: AuditSettings) -> LocalKeys:
    """Open this machine's key store, making it where the settings let it. Raises `KeyStoreError`.

    Blocks.
    """
    return LocalKeys(settings.keys_folder, open_master(settings))


def open_master(settings: AuditSettings) -> Master:
    """Return the master key that the settings name. Raises `MasterKeyError`."""
    if settings.audit_keys_kms_key_id is not None:
        return KmsMaster(
            settings.audit_keys_kms_key_id, endpoint_url=settings.audit_keys_kms_endpoint
        )
    given = settings.audit_master_key
    key = master_key(
        None if given is None else given.get_secret_value(),
        settings.master_key_file,
        settings.keys_folder,
        generate=settings.audit_generate_master_key,
    )
    return LocalMaster(key)


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


def unfinished(folder: Path) -> frozenset[str]:
    """Return the paths of the batch that is being written to the log in `folder`, if one is.

    It may have been left by a process that died: the next to open the log finishes it.
    """
    batch = begun(folder / "local")
    checkpoint = FolderStorage(folder).get(CHECKPOINT)
    if batch is None or (checkpoint is not None and checkpoint.data == batch.new):
        return frozenset()
    return frozenset(path for stage in batch.stages for path in stage)
