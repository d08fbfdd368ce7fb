"""Whether every request in a log has exactly one end, told from the log alone.

What decides is `glideslope.ledger`, as for the topics; here it is fed from entries, and where no
key opens one, from what its label tells (`unread`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from glideslope.audit.history import Found, entries, origin_of, record_of, request_in
from glideslope.audit.places import Place
from glideslope.audit.unread import UnreadRequests
from glideslope.identity import RequestName
from glideslope.ledger import ENDS, READ, WORKED_ON_BY, Ledger, digest_of
from glideslope.reconciliation import Fault, Reconciliation, Tally
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import Leaf
from shared import topics
from shared.delivery import Record
from shared.settings import Settings
from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class Open:
    """A request without an end: its newest step, and when it came, in ms since 1970.

    `state` is `in flight`, `waiting for a person`, `dead letter` or `lost`.
    """

    name: RequestName
    since: int
    step: str
    state: str


@dataclass(frozen=True, slots=True)
class Balance:
    """One log's. `untold` counts ends of which nobody can say, without keys, whose they are.

    `faults` come with the request that each is about, where it is about one.
    """

    origin: str
    reconciliation: Reconciliation
    open: tuple[Open, ...]
    faults: tuple[tuple[Fault, RequestName | None], ...]
    untold: int

    @property
    def is_told(self) -> bool:
        """Whether what is wrong is so for sure: an end that nobody can read may be the lost one."""
        ended_twice = any(not fault.is_loss for fault, _ in self.faults)
        return ended_twice or self.reconciliation.lost > self.untold


@dataclass(slots=True)
class _Way:
    """Where a request is."""

    name: RequestName
    newest: int
    step: str


class Balancing:
    """Reads one log, twice: first who asked, then what became of it.

    A request on which nothing was done for some time, and that no person is asked about, counts
    as lost. It holds some 500 bytes for each request.
    """

    def __init__(
        self, log: Place, keys: KeyReader | None, settings: Settings, window: timedelta
    ) -> None:
        self._log = log
        self._keys = keys
        self._topics: Mapping[str, Topic] = {settings.topic(each): each for each in topics.ALL}
        self._ledger = Ledger(settings, window)
        self._ways: dict[bytes, _Way] = {}
        self._unread = UnreadRequests(settings)
        self._untold = 0

    def run(self, now: int, lost_after: timedelta) -> Balance:
        """Read and reckon; `now` is in ms since 1970. Raises `DamagedError`, `KeyStoreError`."""
        self._read_requests()
        recent = now - lost_after // timedelta(milliseconds=1)
        for topic, found in self._found(lambda topic: topic in READ or topic in WORKED_ON_BY):
            self._take(topic, found, recent)
        reconciliation = self._ledger.reconcile()
        return Balance(
            origin_of(self._log),
            reconciliation,
            tuple(self._open()),
            tuple((each, self._named(each.digest)) for each in reconciliation.faults),
            self._untold,
        )

    def _read_requests(self) -> None:
        """Take the requests in, those that cannot be read last: only then is told what they are."""
        decided: dict[str, set[str]] = {}
        readable: set[RequestName] = set()
        unread: dict[int, Found] = {}
        for topic, found in self._found(lambda topic: topic is topics.REQUESTS or _decides(topic)):
            if found.leaf.decides is not None:
                decided.setdefault(found.leaf.decides.id, set()).add(found.leaf.decides.source)
            if topic is not topics.REQUESTS:
                continue
            if found.entry is None:
                unread[found.index] = replace(found, sealed=b"", raw=b"")  # there may be many
                continue
            name = request_in(found.entry, self._topics)
            if name is not None:
                readable.add(name)
            self._add_request(found)
        ids = {each.leaf.event_id for each in unread.values()} - {None}
        self._unread.add((str(each) for each in ids), decided, readable)
        for found in unread.values():
            self._add_request(found)

    def _add_request(self, found: Found) -> None:
        record, name = self._record(topics.REQUESTS, found)
        if record is None:
            self._untold += 1  # no event, or none that can be read
            return
        self._ledger.add(topics.REQUESTS, record)
        self._note(topics.REQUESTS, record, name)

    def _take(self, topic: Topic, found: Found, recent: int) -> None:
        record, name = self._record(topic, found)
        if record is None:
            self._untold += topic in ENDS or topic is topics.DEAD_LETTERS
            return
        if topic in READ:
            self._ledger.add(topic, record)
        if topic in WORKED_ON_BY and record.timestamp >= recent:
            self._ledger.add_pending(topic, record)
        self._note(topic, record, name)

    def _found(self, wanted: Callable[[Topic], bool]) -> Iterator[tuple[Topic, Found]]:
        def is_wanted(leaf: Leaf) -> bool:
            topic = self._topics.get(leaf.position.topic)
            return topic is not None and wanted(topic)

        for found in entries(self._log, self._keys, is_wanted):
            yield self._topics[found.leaf.position.topic], found

    def _record(self, topic: Topic, found: Found) -> tuple[Record | None, RequestName | None]:
        """Return the record, or one that says as much as is known, and whom it is about."""
        if found.entry is None:
            name = self._unread.find(topic, found.leaf)
        else:
            name = request_in(found.entry, self._topics)
        unread = None if name is None else self._unread.name(name)
        if unread is not None:
            return self._unread.stand_in(topic, found, unread), unread
        return (None if found.entry is None else record_of(found.entry)), name

    def _note(self, topic: Topic, record: Record, name: RequestName | None) -> None:
        if name is None or topic is topics.OPERATIONS:
            return
        digest = digest_of(topics.REQUESTS if topic is topics.REQUESTS else topics.RESULTS, record)
        if digest is None:
            return
        way = self._ways.get(digest)
        if way is None:
            self._ways[digest] = _Way(name, record.timestamp, topic.name)
        elif record.timestamp >= way.newest:
            way.newest, way.step = record.timestamp, topic.name

    def _named(self, digest: bytes | None) -> RequestName | None:
        way = None if digest is None else self._ways.get(digest)
        return None if way is None else way.name

    def _open(self) -> Iterator[Open]:
        for digest, tally in self._ledger.open_requests():
            way = self._ways.get(digest)
            if way is not None:
                yield Open(way.name, tally.fresh_at, way.step, _state(tally))


def _state(tally: Tally) -> str:
    if tally.stuck:
        return "dead letter"
    if tally.to_review > tally.reviewed:
        return "waiting for a person"
    return "in flight" if tally.pending else "lost"


def _decides(topic: Topic) -> bool:
    return topic in {topics.ANSWERS_APPROVED, topics.FALLBACK_REFUSAL, topics.REVIEWS_DECIDED}
