"""The keys that open records, for those who may have them."""

from functools import partial
from pathlib import Path

from glideslope.audit.spread import OpenKeys
from services.audit.adapters.stores import open_keys
from services.audit.settings import AuditSettings


def keyring(settings: AuditSettings) -> OpenKeys | None:
    """Return what opens this machine's key store; None where there is none: nothing is made."""
    if not _has_keys(settings):
        return None
    return partial(open_keys, settings.model_copy(update={"audit_generate_master_key": False}))


def at_home_of(log: str | None, settings: AuditSettings) -> AuditSettings:
    """Return the settings with the home folder of a log that was named, if keys are there.

    Those of `HOME/keys` open what lies in `HOME/audit` and `HOME/audit/0`. Of a log that was copied
    elsewhere, or is in a bucket, the settings' own are asked.
    """
    if log is None or "://" in log:
        return settings
    above = Path(log).resolve().parents
    homes = (settings.model_copy(update={"home": each}) for each in above[:2])
    return next((each for each in homes if _has_keys(each)), settings)


def _has_keys(settings: AuditSettings) -> bool:
    return next(settings.keys_folder.glob("*.sqlite"), None) is not None
