"""The keys that open records, for those who may have them."""

import os
from functools import partial
from pathlib import Path
from typing import Final

from glideslope.audit.logs import OpenKeys
from services.audit.adapters.keys import NAME, LocalKeys
from services.audit.adapters.master import master_key

_MASTER: Final = "GLIDESLOPE_AUDIT_MASTER_KEY"
_MASTER_FILE: Final = "GLIDESLOPE_AUDIT_MASTER_KEY_FILE"


def keyring(folder: Path) -> OpenKeys | None:
    """Return what opens the key store in `folder`; None where there is none: nothing is made."""
    return partial(open_keys, folder) if (folder / NAME).is_file() else None


def open_keys(folder: Path) -> LocalKeys:
    """Open a key store that is there. Raises `MasterKeyError`."""
    path = Path(os.environ.get(_MASTER_FILE) or folder / "master.key")
    return LocalKeys(folder, master_key(os.environ.get(_MASTER), path, folder, generate=False))
