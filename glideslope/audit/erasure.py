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
    """In which logs it stands by now, and in which it follows.

    A running audit holds those of `to_follow`; those `elsewhere` lie in a bucket, and another
    machine writes them.
    """

    done: list[str]
    to_follow: list[str]
    elsewhere: list[str]


def log_key_events(settings: AuditSettings, logs: Iterable[Place]) -> Logged:
    """Append what happened to keys to each log that no process writes. Raises `LogError`.

    An audit that has these keys appends it to its logs by itself, before the next record. What
    is named otherwise than a partition, as a copy may be, is none of its logs.
    """
    logged = Logged([], [], [])
    with closing(Stores(settings)) as stores:
        for log in logs:
            if not log.name.isdecimal():
                continue
            if not stores.writes(int(log.name)):
                logged.elsewhere.append(log.name)
                continue
            try:
                store = stores.open(int(log.name))
            except LockedError:
                logged.to_follow.append(log.name)
                continue
            with closing(store):
                store.append([])
            logged.done.append(log.name)
    return logged
