"""How long things may take: a lease, the time in which to undo, an item by its risk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.review.item import Risk


@dataclass(frozen=True, slots=True)
class Terms:
    """The times that reviews go by."""

    lease: timedelta = timedelta(minutes=10)
    """A claim that is not renewed ends after it."""
    undo: timedelta = timedelta(seconds=5)
    """A decision is published after it, and can be taken back until then."""
    within: Mapping[Risk, timedelta] = field(
        default_factory=lambda: {
            Risk.HIGH: timedelta(hours=1),
            Risk.NORMAL: timedelta(hours=4),
            Risk.LOW: timedelta(hours=24),
        }
    )
    """How soon an item should be decided."""
