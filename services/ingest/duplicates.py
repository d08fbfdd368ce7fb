"""Is this the first record of its request? Remembered for a window of time, per partition.

A request is known by its CloudEvents source and id under its record key. The key belongs to it
because only records of one key are sure to meet in one partition; null counts as a key of its own,
so of records without a key only those that fall into the same partition are told apart.

What is remembered is not stored: it stands in the request's ends, `requests.accepted` and
`requests.rejected`, and is read from there when a partition is assigned. Requests come through
two topics, `requests` and ingest's retries, which are opened side by side: each has the history
read before its own first record, and what the other one claimed meanwhile is kept. Time is that
of the records, so a replay decides as the first run did.
"""

from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

import structlog

BYTES_PER_REQUEST: Final = 320
"""Upper bound of what one remembered request takes in memory."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request as it came by. `offset` in `requests`, None when read from the request's end."""

    key: bytes | None
    source: str
    id: str
    received_at: datetime
    offset: int | None = None

    def digest(self) -> bytes:
        """Return 128 bits that stand for the request under its key."""
        return blake2b(repr((self.key, self.source, self.id)).encode(), digest_size=16).digest()


class History(Protocol):
    """Where the ends of earlier requests are read from."""

    def ended(self, partition: int, window: timedelta) -> AsyncIterator[Sighting]:
        """Yield each request of the partition that ended in the window before the newest one."""


class Duplicates:
    """The requests of the assigned partitions within the window, `most` a partition."""

    def __init__(self, history: History, window: timedelta, most: int) -> None:
        self._history = history
        self._window = window
        self._most = most
        self._partitions: defaultdict[int, _Memory] = defaultdict(self._memory)

    async def rebuild(self, partition: int) -> None:
        """Read what ended in the partition, and add it to what has been claimed there.

        Call it on each assignment, before the first record.
        """
        memory = self._memory()
        async for sighting in self._history.ended(partition, self._window):
            memory.claim(sighting)
        memory.adopt(self._partitions[partition])  # as it is now, not when reading began
        self._partitions[partition] = memory
        log.info("duplicates rebuilt", partition=partition, requests=len(memory))

    def forget(self, partition: int) -> None:
        """Forget a partition that is revoked: its next owner knows better what ends there."""
        self._partitions.pop(partition, None)

    @contextmanager
    def first(self, partition: int, sighting: Sighting) -> Iterator[bool]:
        """Say whether the request is new; it counts as seen once the block ends without error.

        A request whose handling failed is not remembered: it may be tried again, at the same
        offset or, redriven, at another.
        """
        is_first = self._partitions[partition].claim(sighting)
        if not is_first:
            log.info("duplicate", partition=partition, source=sighting.source, id=sighting.id)
        try:
            yield is_first
        except BaseException:  # cancellation too: nothing of the request will be committed
            if is_first:
                self._partitions[partition].release(sighting)
            raise

    def _memory(self) -> "_Memory":
        return _Memory(self._window, self._most)


class _Memory:
    """One partition's requests, oldest first, as digest → (milliseconds since 1970, offset)."""

    def __init__(self, window: timedelta, most: int) -> None:
        self._window = window // timedelta(milliseconds=1)
        self._most = most
        # an ordered one, because a plain dict's first entry is found slowly after many deletions
        self._seen: OrderedDict[bytes, tuple[int, int | None]] = OrderedDict()
        self._newest = 0
        self._early = 0

    def __len__(self) -> int:
        return len(self._seen)

    def claim(self, sighting: Sighting) -> bool:
        """Remember the request unless it is remembered; say whether it is new.

        The record that is remembered is no duplicate of itself.
        """
        digest, at = sighting.digest(), int(sighting.received_at.timestamp() * 1000)
        if known := self._seen.get(digest):
            known_at, offset = known
            if offset is not None and offset == sighting.offset:
                return True
            if abs(at - known_at) < self._window:
                return False
            del self._seen[digest]
        self._seen[digest] = (at, sighting.offset)
        self._newest = max(self._newest, at)
        self._forget_old()
        return True

    def release(self, sighting: Sighting) -> None:
        """Forget a claim, but not what is known of the request from its end."""
        digest = sighting.digest()
        if (known := self._seen.get(digest)) and known[1] == sighting.offset:
            del self._seen[digest]

    def adopt(self, other: "_Memory") -> None:
        """Remember what `other` does, too. What both do counts as it does here."""
        for digest, entry in other._seen.items():  # noqa: SLF001 - of the same class
            self._seen.setdefault(digest, entry)
        self._newest = max(self._newest, other._newest)  # noqa: SLF001 - as above
        self._forget_old()

    def _forget_old(self) -> None:
        while len(self._seen) > 1:
            oldest = next(iter(self._seen))
            age = self._newest - self._seen[oldest][0]
            if age < self._window:
                if len(self._seen) <= self._most:
                    return
                self._forgets_early(age)
            del self._seen[oldest]

    def _forgets_early(self, age: int) -> None:
        """Log how long the window has become: at first, and whenever all has been replaced."""
        if self._early % self._most == 0:
            log.warning(
                "duplicates are forgotten before their time: "
                "raise GLIDESLOPE_DUPLICATE_WINDOW_REQUESTS or add partitions",
                requests=self._most,
                window_seconds=age / 1000,
            )
        self._early += 1
