"""How many bytes one process holds at once."""


class Budget:
    """Bytes that were taken and are not yet committed, over all partitions of a process.

    Once `limit` is reached, a partition that holds its even share or more takes no more. One with
    less goes on, so that records which wait long (for their next try) stop no other partition;
    what is held can therefore exceed `limit`, but never twice of it by more than a record each.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held: dict[object, int] = {}
        self._total = 0

    @property
    def held(self) -> int:
        """How many bytes the process holds."""
        return self._total

    def join(self, holder: object) -> None:
        """Count `holder` among those who share."""
        self._held[holder] = 0

    def leave(self, holder: object) -> None:
        """Give back all that `holder` has."""
        self._total -= self._held.pop(holder, 0)

    def add(self, holder: object, size: int) -> None:
        """Note that `holder` has taken `size` bytes, or given back where it is negative."""
        if holder in self._held:
            self._held[holder] += size
            self._total += size

    def is_spent_for(self, holder: object) -> bool:
        """Whether `holder` must wait until something is given back."""
        if self._total < self.limit:
            return False
        return self._held.get(holder, 0) * len(self._held) >= self.limit
