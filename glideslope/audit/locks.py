"""How the objects of a log in S3 are locked, against how long they are to be kept."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from glideslope.audit.findings import Finding, Problem

_COMPLIANCE: Final = "COMPLIANCE"
_SLACK: Final = timedelta(hours=1)
"""By how much the writer's clock, which a lock is counted from, may be behind that of S3."""


class Lock(NamedTuple):
    """How a version was found locked."""

    mode: str | None
    until: datetime | None
    since: datetime


def unlocked(locks: Mapping[str, Lock], days: int) -> Iterator[Finding]:
    """Say which objects are not locked in compliance mode for so many days."""
    for name, lock in sorted(locks.items()):
        if lock.mode != _COMPLIANCE or lock.until is None:
            mode = "not locked" if lock.mode is None else f"locked in mode {lock.mode} only"
            what = f"it is {mode}: whoever may delete in the bucket can delete it"
            yield Finding(Problem.UNLOCKED, name, what)
        elif lock.until < lock.since + timedelta(days=days) - _SLACK:
            what = (
                f"its lock ends at {lock.until:%Y-%m-%d %H:%M}Z, before the {days} days that "
                f"it is to be kept from {lock.since:%Y-%m-%d %H:%M}Z on"
            )
            yield Finding(Problem.UNLOCKED, name, what)
