"""Where indexes are kept, one for each index version, and how far each has got."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from services.inference.index import Index
from services.inference.versions import IndexVersion

Positions = Mapping[int, int]
"""Partition number → offset of the next record to read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reader has got. `is_complete`: it had got to the topic's end once."""

    positions: Positions
    is_complete: bool


class KeptIndex(Index, Protocol):
    """An index of one version, open."""

    @property
    def identity(self) -> str:
        """What tells a shared index from another that was made under its name before or after."""

    def adopt(self, source: str) -> None:
        """Be built from the topic that `source` identifies: forget what came from another."""

    def progress(self, reader: str) -> Progress | None:
        """Return how far `reader` has got; None: the whole topic is to be read."""

    def keep_progress(self, reader: str, progress: Progress) -> None:
        """Make durable what was written so far, and how far `reader` has got with it."""

    def reset(self) -> None:
        """Forget everything: what was read cannot be told from what is there to read."""

    def close(self) -> None:
        """Close it."""


class Store(Protocol):
    """Indexes, open as long as its context."""

    is_shared: ClassVar[bool]
    """Whether all processes have the same indexes, or this one its own."""

    def __enter__(self) -> Self:
        """Open the store, not yet its indexes."""

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def open(self, version: IndexVersion) -> KeptIndex:
        """Open the index of that version, empty where it was not there."""

    def drop(self, *, retired: Iterable[str], used: Iterable[str]) -> list[str]:
        """Delete the indexes of versions that are retired, or that only we have and nobody uses.

        Returns their names.
        """
