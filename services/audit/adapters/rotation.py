"""Another master key for the same keys: they are encrypted anew, and no blob is touched.

A master key in a file is followed by one in `<file>.next`, which takes its place when every key
is encrypted under it. A process that dies between the two leaves both, and the next rotation
finishes what it began.
"""

from contextlib import closing
from pathlib import Path

from services.audit.adapters.folder import sync_folder
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.kms import KmsMaster
from services.audit.adapters.master import LocalMaster, new_master_key
from services.audit.adapters.stores import open_master
from services.audit.settings import AuditSettings
from services.audit.tlog.keystore import KeyStoreError, MasterKeyError


def rotate_master(
    settings: AuditSettings, *, kms_key_id: str | None = None, key_file: Path | None = None
) -> int:
    """Encrypt every key under a new master key; return how many secrets that were.

    The new one is that of `kms_key_id`, or in `key_file`, which is made where it is not there.
    Without either it is of the same kind as the one before, and takes its place in the settings.
    Raises `KeyStoreError`, `OSError`; then the old one holds.
    """
    if next(settings.keys_folder.glob("*.sqlite"), None) is None:
        raise KeyStoreError(f"there are no keys in {settings.keys_folder}: nothing to rotate")
    if kms_key_id is None and key_file is None:
        kms_key_id = settings.audit_keys_kms_key_id
    if kms_key_id is not None:
        return _rotate(
            settings, KmsMaster(kms_key_id, endpoint_url=settings.audit_keys_kms_endpoint)
        )
    if key_file is not None:
        return _rotate(settings, LocalMaster(new_master_key(key_file)))
    if settings.audit_master_key is not None:
        raise MasterKeyError(
            "the master key is in the environment, where it cannot be replaced: name a file for "
            "the new one with --key-file, and put what is in it into GLIDESLOPE_AUDIT_MASTER_KEY"
        )
    path = settings.master_key_file
    following = path.with_name(f"{path.name}.next")
    key = LocalMaster(new_master_key(following))
    try:
        count = _rotate(settings, key)
    except MasterKeyError:
        with closing(LocalKeys(settings.keys_folder, key)):
            count = 0  # it opens: the rotation before was interrupted here
    following.replace(path)
    sync_folder(path.parent)
    return count


def _rotate(settings: AuditSettings, master: LocalMaster | KmsMaster) -> int:
    current = open_master(settings.model_copy(update={"audit_generate_master_key": False}))
    with closing(LocalKeys(settings.keys_folder, current)) as keys:
        return keys.rotate_master(master)
