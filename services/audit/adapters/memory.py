"""A log, and where one lies, that are gone with the process: for tests, also those of others."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from services.audit.entry import Entry, Position, RequestKey
from services.audit.log import Appended
from services.audit.tlog.storage import ConflictError, Stored
from shared.events import Receipt


class MemoryStore:
    """A `Store` in two dictionaries; `entries` shows what is in it, in order."""

    def __init__(self, origin: str) -> None:
        self.entries: list[Entry] = []
        self._origin = origin
        self._receipts: dict[Position, Receipt] = {}
        self._ends: dict[RequestKey, int] = {}

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Take in the entries that are new."""
        new = {entry.position: entry for entry in entries if entry.position not in self._receipts}
        size = len(self.entries) + len(new)
        for index, entry in enumerate(new.values(), len(self.entries)):
            self._receipts[entry.position] = Receipt(origin=self._origin, index=index, size=size)
            if entry.decides is not None:
                self._ends.setdefault(entry.decides, index)
        self.entries.extend(new.values())
        return [self._appended(entry) for entry in entries]

    def tend(self) -> None:
        """Nothing is ever due."""

    def close(self) -> None:
        """Nothing to let go of."""

    def _appended(self, entry: Entry) -> Appended:
        receipt = self._receipts[entry.position]
        decides = entry.decides is not None and self._ends[entry.decides] == receipt.index
        return Appended(receipt, decides)


class MemoryStorage:
    """A `Storage` in a dictionary, which several writers may share."""

    is_durable: Final = True

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def create(self, *stages: Mapping[str, bytes], repair: bool = False) -> None:  # noqa: ARG002 - the port has it
        """See `Storage`. Whole objects only, so there is nothing to repair."""
        for path, data in ((path, data) for stage in stages for path, data in stage.items()):
            with self._lock:
                if self._objects.setdefault(path, data) != data:
                    raise ConflictError(f"{path} is there already, and is another")

    def replace(self, path: str, data: bytes, version: str | None) -> str:
        """See `Storage`."""
        with self._lock:
            current = self.get(path)
            if version != (None if current is None else current.version):
                raise ConflictError(f"{path} is another by now")
            self._objects[path] = data
        return _version(data)

    def sync(self) -> None:
        """See `Storage`."""

    def get(self, path: str) -> Stored | None:
        """See `Storage`."""
        data = self._objects.get(path)
        return None if data is None else Stored(data, _version(data))

    def list(self, prefix: str) -> Iterator[str]:
        """See `Storage`."""
        yield from [path for path in self._objects if path.startswith(prefix)]

    def prune(self, prefix: str) -> None:
        """See `Storage`."""
        with self._lock:
            for path in [path for path in self._objects if path.startswith(prefix)]:
                del self._objects[path]

    def close(self) -> None:
        """Nothing to let go of."""


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
