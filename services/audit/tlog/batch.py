"""What one durable write adds to a log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from services.audit.tlog.edge import Edge
from services.audit.tlog.paths import TILE_WIDTH, checkpoint_path, pack_path


@dataclass(frozen=True, slots=True)
class Batch:
    """The checkpoints before (empty: none) and after, the size then, and what was added.

    The encrypted records belong into the pack that begins with entry `pack`, after those of the
    batches before it that name the same pack.
    """

    old: bytes
    new: bytes
    size: int
    pack: int
    leaves: tuple[bytes, ...]
    records: bytes

    @property
    def first(self) -> int:
        """The index of its first entry."""
        return self.size - len(self.leaves)


@dataclass(frozen=True, slots=True)
class Publication:
    """The objects that take a log from one published checkpoint to the next, in their order.

    Whoever does the same batches again makes the same bytes: a pack is never split, so the
    batches that name one pack are published together.
    """

    packs: dict[str, bytes]
    tiles: dict[str, bytes]
    checkpoint: bytes
    size: int

    @classmethod
    def of(cls, before: bytes, since: int, batches: Iterable[Batch], edge: Edge) -> "Publication":
        """Return what publishes these batches of one pack on top of the checkpoint `before`.

        That one is of `since` entries; `edge` is that after the batches, and forgets what it made.
        """
        batches = list(batches)
        tiles = edge.take()
        if before and edge.size // TILE_WIDTH > since // TILE_WIDTH:
            tiles[checkpoint_path(since)] = before
        pack = b"".join(batch.records for batch in batches)
        return cls({pack_path(batches[0].pack): pack}, tiles, batches[-1].new, edge.size)


def publications(edge: Edge, batches: Iterable[Batch]) -> Iterator[Publication]:
    """Yield what publishes batches that follow one another; `edge` is that before them."""
    for _, group in groupby(batches, key=lambda batch: batch.pack):
        together = list(group)
        since = edge.size
        for batch in together:
            edge.grow(batch.leaves)
        yield Publication.of(together[0].old, since, together, edge)


class BatchJournal(Protocol):
    """Keeps batches until what they add is durable: sealed a second time, they would differ."""

    @property
    def is_full(self) -> bool:
        """Whether it is time to `clear` it."""

    def write(self, batch: Batch) -> None:
        """Return once the batch is durable, after those before."""

    def read(self) -> list[Batch]:
        """Return the batches since `clear`, each of which follows the one before it."""

    def secure(self) -> None:
        """Make durable what `read` returned, whatever became of the write that made it."""

    def clear(self) -> None:
        """Forget all batches, durably."""

    def close(self) -> None:
        """Let another process write the log."""
