"""Erasing a person, and holding that back: what is done to their key, and that it is logged."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from glideslope.audit.places import Place
from services.audit.adapters.stores import Stores
from services.audit.log import LockedError
from services.audit.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class Logged:
    """In which logs it stands by now, and which a running audit holds: there it follows."""

    done: list[str]
    to_follow: list[str]


def log_key_events(settings: AuditSettings, logs: Iterable[Place]) -> Logged:
    """Append what happened to keys to each log that no process writes. Raises `LogError`.

    A running audit appends it to its logs by itself, before the next record.
    """
    logged = Logged([], [])
    with closing(Stores(settings)) as stores:
        for log in logs:
            try:
                store = stores.open(int(log.name))
            except LockedError:
                logged.to_follow.append(log.name)
                continue
            with closing(store):
                store.append([])
            logged.done.append(log.name)
    return logged
