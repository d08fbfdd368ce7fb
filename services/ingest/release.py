"""The release that a new request is pinned to."""

from dataclasses import dataclass
from typing import Protocol


class CurrentRelease(Protocol):
    """Knows the release that requests are pinned to now, by its content hash."""

    def current(self) -> str:
        """Return the content hash of the current release."""


@dataclass(frozen=True, slots=True)
class NamedRelease:
    """One release for everything, named in advance."""

    name: str

    def current(self) -> str:
        """Return the content hash of the release."""
        return self.name
