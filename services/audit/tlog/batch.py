"""What one durable write adds to a log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Batch:
    """The checkpoints before (empty: none) and after, the size then, and the objects between.

    The objects come in stages; each may refer to those of the stages before.
    """

    old: bytes
    new: bytes
    size: int
    stages: tuple[Mapping[str, bytes], ...]


class BatchJournal(Protocol):
    """Keeps the bytes of the newest batch: written a second time, encryption would differ."""

    def write(self, batch: Batch) -> None:
        """Return once the batch is durable, in the place of the one before."""

    def read(self) -> Batch | None:
        """Return the batch that was written last, None where there is none or half of one."""

    def close(self) -> None:
        """Let another process write the log."""
