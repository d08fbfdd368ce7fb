"""How often something was said that had been said before, in eight bytes for each saying."""

from array import array
from collections.abc import Hashable
from typing import Final

_BUCKETS: Final = 256


class Repeats:
    """Counts what comes again, by 64 bits of its hash.

    Two different things with one hash would count as a repetition: among a hundred million things
    the chance of that is 1 in 3,700.
    """

    def __init__(self) -> None:
        # each is counted by itself, so that no set of all is ever made
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, thing: Hashable) -> None:
        """Take something in."""
        hash_ = hash(thing)
        self._buckets[hash_ % _BUCKETS].append(hash_)

    def count(self) -> int:
        """Return how many of the things came again."""
        return sum(len(bucket) - len(set(bucket)) for bucket in self._buckets)
