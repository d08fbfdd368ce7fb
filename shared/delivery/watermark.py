"""The watermark of a partition: everything before it is done."""

from collections import deque


class Watermark:
    """Tracks which taken offsets of one partition are completed.

    `position` is the offset to commit: that of the first record that is not completed, or of the
    next one to take. Offsets may have gaps (transaction markers, compaction).
    """

    def __init__(self, position: int) -> None:
        self._next = position
        self._taken: deque[int] = deque()
        self._completed: set[int] = set()

    @property
    def position(self) -> int:
        """Offset of the first record that is not completed."""
        return self._taken[0] if self._taken else self._next

    @property
    def pending(self) -> int:
        """How many taken records are at or beyond the watermark."""
        return len(self._taken)

    def take(self, offset: int) -> bool:
        """Note that the record at `offset` was taken; False if it had been taken before."""
        if offset < self._next:
            return False
        self._next = offset + 1
        self._taken.append(offset)
        return True

    def complete(self, offset: int) -> None:
        """Note that the record at `offset` needs no more work."""
        self._completed.add(offset)

    def advance(self, limit: int) -> list[int]:
        """Move past at most `limit` completed records at the front; return their offsets."""
        passed: list[int] = []
        while len(passed) < limit and self._taken and self._taken[0] in self._completed:
            offset = self._taken.popleft()
            self._completed.remove(offset)
            passed.append(offset)
        return passed
