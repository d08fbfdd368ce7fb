"""Logs on this machine, opened for writing or for reading.

<home>/audit/<partition>/
    checkpoint, tile/, blobs/, …    the log: see `services.audit.tlog.paths`
    local/journal                   the newest batches, until they are durable in their places
    local/lock                      held by the one process that writes; its process id is inside
    local/derived-3.sqlite          for look-up; may be deleted while no process writes
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.journal import NAME as JOURNAL
from services.audit.adapters.journal import Journal, begun
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.lookup import SqliteDerived
from services.audit.adapters.master import LocalMaster, Master, master_key
from services.audit.entry import Entry
from services.audit.log import DamagedError, UnavailableError
from services.audit.settings import AuditSettings
from services.audit.tlog import reading
from services.audit.tlog.batch import publications
from services.audit.tlog.edge import Edge
from services.audit.tlog.keystore import KeyReader, KeyStore, KeysUnavailableError
from services.audit.tlog.paths import CHECKPOINT
from services.audit.tlog.storage import Storage, StorageError, Stored
from services.audit.tlog.store import TransparencyStore

LOCAL: Final = "local"


class Stores:
    """Opens logs for writing, all with one key store."""

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._keys: LocalKeys | None = None

    def open(self, partition: int) -> TransparencyStore:
        """Open a partition's log. Blocks. Raises `LogError`, `KeyStoreError`."""
        with self._lock, _outages(self._settings.keys_folder):
            if self._keys is None:
                self._keys = open_keys(self._settings)
        return open_store(
            self._settings.log_folder(partition),
            f"{self._settings.deployment}/{partition}",
            self._keys,
            storage=_bucket(self._settings, partition),
            default_tenant=self._settings.default_tenant,
            publish_seconds=self._settings.audit_publish_seconds,
        )

    def is_new(self, partition: int) -> bool:
        """Whether there is no log of the partition yet, as far as this machine can tell. Blocks.

        Raises `UnavailableError`.
        """
        with _outages(self._settings.log_folder(partition)):
            storage = _bucket(self._settings, partition)
            if storage is None:
                return not (self._settings.log_folder(partition) / CHECKPOINT).exists()
            with contextlib.closing(storage):
                return storage.get(CHECKPOINT) is None

    def writes(self, partition: int) -> bool:
        """Whether this machine may write the log: one in a bucket only if its journal is here.

        Anywhere else a second writer of it would stop the one that has the journal.
        """
        local = self._settings.log_folder(partition) / LOCAL
        return self._settings.audit_s3_bucket is None or (local / JOURNAL).exists()

    def place(self, partition: int) -> str:
        """Return where the partition's log is, for messages."""
        if self._settings.audit_s3_bucket is None:
            return str(self._settings.log_folder(partition))
        bucket, prefix = self._settings.audit_s3_bucket, self._settings.audit_s3_prefix
        return f"s3://{bucket}/{prefix}/{partition}"

    def close(self) -> None:
        """Close the key store, when every log is closed."""
        if self._keys is not None:
            self._keys.close()


def _bucket(settings: AuditSettings, partition: int) -> Storage | None:
    if settings.audit_s3_bucket is None:
        return None
    from services.audit.adapters.s3 import S3Storage  # noqa: PLC0415 - boto3: an eighth of a start

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
        from services.audit.adapters.kms import KmsMaster  # noqa: PLC0415 - boto3, as above

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


def open_store(  # noqa: PLR0913 - what a log is made of
    folder: Path,
    origin: str,
    keys: KeyStore,
    *,
    storage: Storage | None = None,
    default_tenant: str = "default",
    publish_seconds: float = 0.0,
) -> TransparencyStore:
    """Open the log in `folder` for writing; its local state alone where it lies in `storage`.

    `publish_seconds` count in a folder alone, which our lock guards. Raises `LogError`.
    """
    with _outages(folder), contextlib.ExitStack() as undo:
        journal = Journal(folder / LOCAL)
        undo.callback(journal.close)
        if storage is not None:
            publish_seconds = 0.0
        storage = FolderStorage(folder, alone=True) if storage is None else storage
        undo.callback(storage.close)
        derived = SqliteDerived.open(folder / LOCAL)
        undo.callback(derived.close)
        store = TransparencyStore(
            origin,
            storage=storage,
            journal=journal,
            derived=derived,
            keys=keys,
            default_tenant=default_tenant,
            publish_seconds=publish_seconds,
        )
        undo.pop_all()
        return store


@contextlib.contextmanager
def _outages(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, StorageError, KeysUnavailableError, sqlite3.Error) as error:
        raise UnavailableError(
            f"what audit needs of {folder} could not be opened: {error!r}. Mend it (space, "
            "permissions, health), and audit goes on"
        ) from error


def read(folder: Path, keys: KeyReader) -> Iterator[tuple[int, Entry]]:
    """Yield the records in the log in `folder` that the keys open, each with its index.

    Also those that only the journal has yet. It may be read while it is being written. Raises
    `DamagedError`.
    """
    storage = FolderStorage(folder)
    waiting = unpublished(folder)

    def get(path: str) -> Stored | None:
        return Stored(waiting[path], "") if path in waiting else storage.get(path)

    return reading.read(get, keys)


def unpublished(folder: Path) -> dict[str, bytes]:
    """Return the objects, by path, that the journal of a log has and its folder has not yet.

    Its newest checkpoint among them. A writer publishes them within moments; one that died does
    when it is started again.
    """
    storage = FolderStorage(folder)
    while True:
        batches = begun(folder / LOCAL)
        stored = storage.get(CHECKPOINT)
        published = b"" if stored is None else stored.data
        since = [place for place, batch in enumerate(batches) if batch.old == published]
        if not since:
            return {}
        objects: dict[str, bytes] = {}
        try:
            edge = Edge.load(storage.get, batches[since[0]].first)
        except DamagedError:
            if storage.get(CHECKPOINT) == stored:
                return {}  # whoever reads the log will find out what is wrong with it
            continue  # it was published meanwhile
        for publication in publications(edge, batches[since[0] :]):
            objects |= publication.packs | publication.tiles
            objects[CHECKPOINT] = publication.checkpoint
        return objects
