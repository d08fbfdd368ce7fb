"""Times and figures, as people say them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago a time was: '3 min'."""
    return _length(now - then)


def until(then: datetime, now: datetime) -> str:
    """Return how far off a time is: 'in 2 h', or '5 min late'."""
    return f"in {_length(then - now)}" if then >= now else f"{_length(now - then)} late"


def clock(then: datetime) -> str:
    """Return a time to the second, in UTC."""
    return f"{then.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def percent(share: float) -> str:
    """Return a share of 1 as a percentage without decimals."""
    return f"{share:.0%}"


def _length(time: timedelta) -> str:
    seconds = max(time.total_seconds(), 0)
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"
