"""Where a log's objects lie: a few operations, implemented for a folder, for S3 and in memory."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol


class Stored(NamedTuple):
    """An object's bytes, and the version that `replace` asks for."""

    data: bytes
    version: str


class StorageError(Exception):
    """The storage did not do what it was asked, or nobody knows whether it did."""


class ConflictError(StorageError):
    """There is another object already: another writer, or somebody who meddles."""


class Storage(Protocol):
    """Objects by path. Every method may block, and raises `StorageError` or `OSError`."""

    @property
    def is_durable(self) -> bool:
        """Whether what it has taken is durable at once, so that `sync` has nothing to do."""

    def create(self, *stages: Mapping[str, bytes], repair: bool = False) -> None:
        """Return once all objects stand there; those of a stage do not before the last's.

        An object that stands there already, byte for byte, is as good. Raises `ConflictError`
        where another does, which stays. With `repair`, the caller knows that it died while it
        wrote these very objects: what a folder holds of them is written anew.
        """

    def replace(self, path: str, data: bytes, version: str | None) -> str:
        """Put an object in the place of its `version` (None: of none).

        Returns its own version. Raises `ConflictError`, changing nothing, where it has another.
        """

    def sync(self) -> None:
        """Return once all that was created and replaced is durable."""

    def get(self, path: str) -> Stored | None:
        """Return an object, None where there is none."""

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the paths that begin with `prefix`, which ends with a slash, in no order."""

    def prune(self, prefix: str) -> None:
        """Delete what begins with `prefix`, which full tiles have replaced, if it can be."""

    def close(self) -> None:
        """Let go of what the storage holds open."""
