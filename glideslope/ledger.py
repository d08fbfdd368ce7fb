"""Committed records, counted by the request they are about.

No Kafka here: a `Ledger` is told the records, `requests` first, the others in any order.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from math import inf
from typing import Final

from glideslope.identity import origin, request_of
from glideslope.operations import Redriven
from glideslope.reconciliation import Fault, Position, Reconciliation, Tally, reconcile
from shared import topics
from shared.cloudevents import UnreadableError
from shared.delivery import Record
from shared.delivery.retries import NotARetryError, Retry
from shared.settings import Settings
from shared.topics import Topic

ENDS: Final = (topics.RESULTS, topics.REQUESTS_REJECTED, topics.REQUESTS_DUPLICATED)
"""Where requests end; dead letters may be redriven, and are kept for ever."""
READ: Final = (
    *ENDS,
    topics.DEAD_LETTERS,
    topics.FALLBACK_REVIEW,
    topics.REVIEWS_DECIDED,
    topics.OPERATIONS,
)
"""What the reconciliation is made from, beside `requests`."""

WORKED_ON_BY: Final[Mapping[Topic, str]] = {
    topics.REQUESTS: "ingest",
    topics.REQUESTS_ACCEPTED: "inference",
    topics.ANSWERS_DRAFTED: "validator",
    topics.FALLBACK_REGENERATE: "inference",
    topics.ANSWERS_APPROVED: "audit",
    topics.FALLBACK_REFUSAL: "audit",
    topics.REVIEWS_DECIDED: "audit",
    topics.OPERATIONS: "audit",
    **{topic: service for service, topic in topics.RETRIES.items()},
}
"""The group that has to take a request on from each topic; `fallback.review` is a person's."""

_FIRST_JUDGE: Final = "ingest"
"""The service that decides what a record of `requests` is."""

_DIGEST_BYTES: Final = 16


class Ledger:
    """Counts records about requests, by a digest of each request's key, source and id.

    It holds 16 bytes and a tally for each request and no content: about 300 bytes in all, 300 MB
    for a million. A dead letter that was redriven is no end of its request any more. Three rules
    make a snapshot of a running pipeline add up: `requests` is added first; it is read up to a
    later moment than its ends are; an end that is older than the oldest record left in its
    partition of `requests` belongs to a request that has expired.

    A request without an end is in flight as long as `add_pending` is told of a record of it, and
    lost otherwise: a service passes a record in the transaction in which it produces the next.

    `trimmed` are the partitions of `requests` of which retention has removed something, and
    `trimmed_ends` those of the topics in `ENDS`: a request that is older than the oldest end left
    may have ended. In `unsettled` partition numbers a transaction may be about to show what
    becomes of a request. Neither is called lost. `window` is the time in which ingest takes a
    second record of a request for a duplicate.
    """

    def __init__(
        self,
        settings: Settings,
        window: timedelta,
        *,
        trimmed: Iterable[int] = (),
        trimmed_ends: Iterable[tuple[Topic, int]] = (),
        unsettled: Collection[int] = frozenset(),
    ) -> None:
        self._window_ms = window / timedelta(milliseconds=1)
        self._topics: Mapping[str, Topic] = {settings.topic(each): each for each in topics.ALL}
        self._tallies: defaultdict[bytes, Tally] = defaultdict(Tally)
        self._unreadable: set[Position] = set()
        self._unreadable_dead: Counter[Position] = Counter()
        self._oldest: dict[int, float] = dict.fromkeys(trimmed, inf)
        self._oldest_ends = dict.fromkeys(trimmed_ends, inf)
        self._unsettled = unsettled
        self._pending: set[bytes] = set()
        self._unreadable_pending: set[Position] = set()
        self._expired = 0
        self._faults: list[Fault] = []
        self._stuck: list[tuple[int, int, bytes]] = []
        self._redriven = Redriven()
        self._being_redriven = Redriven()

    def add(self, topic: Topic, record: Record) -> None:
        """Count one record of one of the topics in `READ`."""
        if (end := (topic, record.partition)) in self._oldest_ends:
            self._oldest_ends[end] = min(self._oldest_ends[end], record.timestamp)
        if topic is topics.REQUESTS:
            self._add_request(record)
        elif topic is topics.OPERATIONS:
            self._redriven.add(record)
        elif record.timestamp < self._oldest.get(record.partition, -inf):
            self._expired += topic in ENDS
        elif topic is topics.DEAD_LETTERS:
            self._add_dead_letter(record)
        else:
            self._add_step(topic, record)

    def add_pending(self, topic: Topic, record: Record) -> None:
        """Note a record that the group in `WORKED_ON_BY` has not passed."""
        if topic is topics.OPERATIONS:  # what it redrives may show a moment later
            self._being_redriven.add(record)
            return
        if topic in topics.RETRIES.values():
            try:
                record = Retry.read(record).record
                topic = self._topics[record.topic]
            except (NotARetryError, KeyError):  # nothing of a request's
                return
        if topic in topics.SHADOWS:
            return
        digest = digest_of(topic, record)
        if digest is not None:
            self._pending.add(digest)
        elif topic is topics.REQUESTS:
            self._unreadable_pending.add((record.partition, record.offset))

    def open_requests(self) -> Iterator[tuple[bytes, Tally]]:
        """Yield the requests without an end, as `reconcile` saw them last."""
        return ((digest, tally) for digest, tally in self._tallies.items() if tally.open > 0)

    def reconcile(self) -> Reconciliation:
        """Return the equation as it stands."""
        for digest, tally in self._tallies.items():
            tally.stuck = 0
            tally.pending = digest in self._pending or self._is_uncertain(tally)
        for partition, offset, digest in self._stuck:
            tally = self._tallies[digest]
            tally.stuck += (partition, offset) not in self._redriven
            tally.pending |= (partition, offset) in self._being_redriven
        uncertain = {each for each in self._unreadable if each[0] in self._unsettled}
        return reconcile(
            self._tallies,
            self._unreadable,
            self._unreadable_dead,
            self._unreadable_pending | uncertain,
            expired=self._expired,
            faults=self._faults,
        )

    def _is_uncertain(self, tally: Tally) -> bool:
        """Whether the request may have an end that is not to be seen, not yet or not any more."""
        oldest = (self._oldest_ends.get((topic, tally.partition), -inf) for topic in ENDS)
        return tally.partition in self._unsettled or tally.fresh_at < max(oldest)

    def _add_request(self, record: Record) -> None:
        if record.partition in self._oldest:
            self._oldest[record.partition] = min(self._oldest[record.partition], record.timestamp)
        digest = digest_of(topics.REQUESTS, record)
        if digest is None:
            self._unreadable.add((record.partition, record.offset))
            return
        tally = self._tallies[digest]
        if not tally.requests or record.timestamp - tally.fresh_at >= self._window_ms:
            tally.fresh += 1
            tally.fresh_at = record.timestamp
        tally.requests += 1
        tally.partition = record.partition

    def _add_dead_letter(self, record: Record) -> None:
        try:
            came = origin(record)
            topic = self._topics[came.topic]
        except (KeyError, ValueError):
            self._faults.append(Fault(f"{_position(record)} is no dead letter of this pipeline"))
            return
        if topic in topics.SHADOWS:  # the request itself goes its way
            return
        digest = digest_of(topic, record)
        own = topic is topics.REQUESTS and came.service == _FIRST_JUDGE
        if own and digest is None:
            self._unreadable_dead[came.partition, came.offset] += 1
        elif own and digest is not None:
            self._tallies[digest].unhandled += 1
        elif digest is not None:
            self._stuck.append((record.partition, record.offset, digest))

    def _add_step(self, topic: Topic, record: Record) -> None:
        digest = digest_of(topic, record)
        if digest is None:
            self._faults.append(Fault(f"{_position(record)} cannot be read"))
            return
        tally = self._tallies[digest]
        match topic.name:
            case topics.RESULTS.name:
                tally.results += 1
            case topics.REQUESTS_REJECTED.name:
                tally.rejected += 1
            case topics.REQUESTS_DUPLICATED.name:
                tally.duplicates += 1
            case topics.FALLBACK_REVIEW.name:
                tally.to_review += 1
            case topics.REVIEWS_DECIDED.name:
                tally.reviewed += 1


def digest_of(topic: Topic, record: Record) -> bytes | None:
    """Return what a request is known by here, None where a record names none.

    The record key is part of it: only under the same key is a second record a duplicate. Records
    without a key have none to meet under but their partition.
    """
    try:
        name = request_of(topic, record)
    except UnreadableError:
        return None
    if name is None:
        return None
    key = record.partition if record.key is None else record.key.hex()
    known = json.dumps([key, *name])
    return hashlib.blake2b(known.encode(), digest_size=_DIGEST_BYTES).digest()


def _position(record: Record) -> str:
    return f"record {record.topic}-{record.partition}-{record.offset}"
