"""Where indexes are kept, one for each index version, and how far each has got."""

from collections.abc import Iterable, Mapping
from typing import Protocol, Self

from services.inference.index import Index
from services.inference.versions import IndexVersion

Positions = Mapping[int, int]
"""Partition number → offset of the next record to read."""


class KeptIndex(Index, Protocol):
    """An index of one version, open."""

    def position(self, reader: str, source: str) -> Positions | None:
        """Return how far `reader` has got with the topic that `source` identifies.

        None: the whole topic is to be read. Empty, too, when that was another topic.
        """

    def keep_position(self, reader: str, source: str, positions: Positions) -> None:
        """Make durable what was written so far, and that it comes from before `positions`."""

    def reset(self) -> None:
        """Forget everything: what was read cannot be told from what is there to read."""

    def close(self) -> None:
        """Close it."""


class Store(Protocol):
    """Indexes, open as long as its context."""

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
