"""The keys that open records, for those who may have them."""

from functools import partial

from glideslope.audit.spread import OpenKeys
from services.audit.adapters.stores import open_keys
from services.audit.settings import AuditSettings


def keyring(settings: AuditSettings) -> OpenKeys | None:
    """Return what opens this machine's key store; None where there is none: nothing is made."""
    if next(settings.keys_folder.glob("*.sqlite"), None) is None:
        return None
    return partial(open_keys, settings.model_copy(update={"audit_generate_master_key": False}))
