"""A log that is gone with the process: for tests, also those of others."""

from collections.abc import Sequence

from services.audit.entry import Entry, Position, RequestKey
from services.audit.log import Appended
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
