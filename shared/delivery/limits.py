"""What bounds one partition's work, and how long its commits wait for more."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one partition.

    `records` bounds what is taken and in no commit yet, `bytes` all that is not committed; `batch`
    the records of one transaction; `backoff` is the pause, in seconds, before a partition is taken
    over again, `last_commit` what the last commit may take when the time to drain is already used
    up, and `drain` what work in flight may take at the most when the partition goes. A commit
    without outputs waits `linger` seconds at the most for more that finishes, and no longer once
    nothing has finished for `lull` seconds: nobody downstream waits for it. One with outputs waits
    after a transaction that had those of several records and took longer than `brisk` seconds: for
    `rest` times as long as it took longer, `longest_rest` seconds at the most. Kafka or this
    process has much to do then, and what finishes meanwhile goes along. Where records come one at a
    time there is nothing to be gained: the next would only be late, too.
    """

    records: int = 256
    bytes: int = 16 * 1024 * 1024
    batch: int = 500
    backoff: float = 0.2
    last_commit: float = 2.0
    drain: float = inf
    linger: float = 0.0
    lull: float = inf
    rest: float = 0.0
    brisk: float = 0.0
    longest_rest: float = 0.1

    def rest_after(self, took: float) -> float:
        """Return how long to wait after a transaction, in seconds, as `took` is."""
        return min(self.rest * max(0.0, took - self.brisk), self.longest_rest)
