"""Whether every request in a log has exactly one end, told from the log alone.

What decides is `glideslope.ledger`, as for the topics; here it is fed from entries. What the keys
do not open is told by the labels of the leaves: the id of a request, which request a decision ends,
and the ids that follow from these (`lineage`).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from glideslope.audit.history import Found, entries, record_of, request_in
from glideslope.audit.lineage import Lineage
from glideslope.audit.places import Place
from glideslope.identity import RequestName
from glideslope.ledger import ENDS, READ, WORKED_ON_BY, Ledger, digest_of
from glideslope.reconciliation import Reconciliation, Tally
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import Leaf
from shared import topics
from shared.delivery import Record
from shared.settings import Settings
from shared.topics import Topic

_UNKNOWN: Final = "?"
"""The source of a request that nobody can read, and that nothing was decided about."""
_TYPES: Final = {topic.event_type: topic for topic in topics.ALL if topic.data is not None}


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
class NamedFault:
    """What is wrong, with the request that it is about where it is about one."""

    what: str
    name: RequestName | None
    is_loss: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """One log's. `untold` counts ends of which nobody can say, without keys, whose they are."""

    origin: str
    partition: str
    reconciliation: Reconciliation
    open: tuple[Open, ...]
    faults: tuple[NamedFault, ...]
    untold: int

    @property
    def is_told(self) -> bool:
        """Whether what is wrong is so for sure: an end that nobody can read may be the lost one."""
        ended_twice = any(not fault.is_loss for fault in self.faults)
        return ended_twice or self.reconciliation.lost > self.untold


@dataclass(slots=True)
class _Way:
    """Where a request is."""

    name: RequestName
    since: int
    newest: int
    step: str


@dataclass(slots=True)
class _Blind:
    """The requests that cannot be read: by id, with the source, as far as it is known."""

    sources: dict[str, str] = field(default_factory=dict)

    def name(self, name: RequestName) -> RequestName | None:
        """Return what a request is called here, None where it can be read."""
        source = self.sources.get(name.id)
        if source is None or source not in {_UNKNOWN, name.source}:
            return None
        return RequestName(source, name.id)


class Balancing:
    """Reads one log, twice: first who asked, then what became of it.

    `now` is in ms since 1970. A request on which nothing was done for `lost_after`, and that no
    person is asked about, counts as lost.
    """

    def __init__(
        self, log: Place, keys: KeyReader | None, settings: Settings, window: timedelta
    ) -> None:
        self._log = log
        self._keys = keys
        self._settings = settings
        self._topics: Mapping[str, Topic] = {settings.topic(each): each for each in topics.ALL}
        self._ledger = Ledger(settings, window)
        self._ways: dict[bytes, _Way] = {}
        self._blind = _Blind()
        self._lineage = Lineage()
        self._untold = 0
        self._origin = ""

    def run(self, now: int, lost_after: timedelta) -> Balance:
        """Read and reckon. Raises `DamagedError`, `KeyStoreError`."""
        self._read_requests()
        since = now - lost_after // timedelta(milliseconds=1)
        for topic, found in self._found(lambda topic: topic in READ or topic in WORKED_ON_BY):
            if topic is not topics.REQUESTS:
                self._take(topic, found, since)
            elif found.leaf.position.timestamp >= since:
                self._take_request(found, pending=True)
        reconciliation = self._ledger.reconcile()
        return Balance(
            self._origin,
            self._log.name,
            reconciliation,
            tuple(self._open()),
            tuple(
                NamedFault(each.what, self._named(each.digest), each.is_loss)
                for each in reconciliation.faults
            ),
            self._untold,
        )

    # ── who asked ─────────────────────────────────────────────────────────────────────────────

    def _read_requests(self) -> None:
        decided: dict[str, set[str]] = {}
        readable: Counter[tuple[str, str]] = Counter()
        unread: list[Found] = []
        for topic, found in self._found(lambda topic: topic is topics.REQUESTS or _decides(topic)):
            if found.leaf.decides is not None:
                decided.setdefault(found.leaf.decides.id, set()).add(found.leaf.decides.source)
            if topic is not topics.REQUESTS:
                continue
            if found.entry is None:
                unread.append(found)
                continue
            name = request_in(found.entry, self._topics)
            if name is not None:
                readable[name] += 1
            self._take_request(found)
        self._name_the_unread(unread, decided, readable)
        for found in unread:
            if found.leaf.event_id is not None:
                self._take_request(found)

    def _name_the_unread(
        self,
        unread: list[Found],
        decided: Mapping[str, set[str]],
        readable: Mapping[tuple[str, str], int],
    ) -> None:
        sources = {each for some in decided.values() for each in some}
        sources |= {source for source, _ in readable}
        for found in unread:
            id_ = found.leaf.event_id
            if id_ is None:
                self._untold += 1  # it names no request, or none that can be read
                continue
            left = {each for each in decided.get(id_, ()) if not readable.get((each, id_))}
            source = left.pop() if len(left) == 1 else _UNKNOWN
            self._blind.sources[id_] = source
            for each in sources if source == _UNKNOWN else {source}:
                self._lineage.add(each, RequestName(source, id_))

    def _take_request(self, found: Found, *, pending: bool = False) -> None:
        record = self._record(topics.REQUESTS, found)
        if record is None:
            return
        if pending:
            self._ledger.add_pending(topics.REQUESTS, record)
        else:
            self._ledger.add(topics.REQUESTS, record)
            self._note(topics.REQUESTS, record, self._name_of(topics.REQUESTS, found))

    # ── what became of it ─────────────────────────────────────────────────────────────────────

    def _take(self, topic: Topic, found: Found, since: int) -> None:
        record = self._record(topic, found)
        if record is None:
            self._untold += topic in ENDS or topic is topics.DEAD_LETTERS
            return
        if topic in READ:
            self._ledger.add(topic, record)
        if topic in WORKED_ON_BY and record.timestamp >= since:
            self._ledger.add_pending(topic, record)
        self._note(topic, record, self._name_of(topic, found))

    def _found(self, wanted: Callable[[Topic], bool]) -> Iterator[tuple[Topic, Found]]:
        def is_wanted(leaf: Leaf) -> bool:
            topic = self._topics.get(leaf.position.topic)
            return topic is not None and wanted(topic)

        for found in entries(self._log, self._keys, is_wanted):
            self._origin = found.origin
            yield self._topics[found.leaf.position.topic], found

    def _name_of(self, topic: Topic, found: Found) -> RequestName | None:
        """Return the request that an entry is about, by the name that it has here."""
        leaf = found.leaf
        if found.entry is not None:
            name = request_in(found.entry, self._topics)
        elif leaf.decides is not None:
            name = RequestName(leaf.decides.source, leaf.decides.id)
        elif leaf.event_id is not None and (topic is topics.REQUESTS or _is_request(leaf)):
            name = RequestName(
                self._blind.sources.get(leaf.event_id or "", _UNKNOWN), str(leaf.event_id)
            )
        else:
            return self._lineage.find(leaf.event_id)
        return None if name is None else self._blind.name(name) or name

    def _record(self, topic: Topic, found: Found) -> Record | None:
        """Return the record, or one that says as much as is known; None where nothing is."""
        name = self._name_of(topic, found)
        blind = None if name is None else self._blind.name(name)
        if blind is not None:
            return self._stand_in(topic, found, blind)
        return None if found.entry is None else record_of(found.entry)

    def _stand_in(self, topic: Topic, found: Found, name: RequestName) -> Record:
        """Return a record about a request that has the name by which it is known here.

        It has no key, as those of the same request that can be read must not have one.
        """
        about = topic
        headers = {"ce_specversion": "1.0", "ce_type": topic.event_type}
        if topic is topics.DEAD_LETTERS:
            about = _TYPES.get(found.leaf.type or "", topics.REQUESTS_ACCEPTED)
            headers |= {
                "glideslope-source-topic": self._settings.topic(about),
                "glideslope-source-partition": str(found.leaf.position.partition),
                "glideslope-source-offset": "0",
                "glideslope-service": WORKED_ON_BY.get(about, _UNKNOWN),
                "glideslope-reason-code": _UNKNOWN,
                "glideslope-reason": _UNKNOWN,
            }
        is_request = about is topics.REQUESTS
        headers["ce_id"] = name.id if is_request else found.leaf.event_id or _UNKNOWN
        headers["ce_source"] = name.source if is_request else _UNKNOWN
        position = found.leaf.position
        return Record(
            topic=position.topic,
            partition=position.partition,
            offset=position.offset,
            timestamp=position.timestamp,
            key=None,
            value=json.dumps({"request_id": name.id, "request_source": name.source}).encode(),
            headers=tuple((name, text.encode()) for name, text in headers.items()),
        )

    # ── what is open ──────────────────────────────────────────────────────────────────────────

    def _note(self, topic: Topic, record: Record, name: RequestName | None) -> None:
        if name is None or topic is topics.OPERATIONS:
            return
        digest = digest_of(topics.REQUESTS if topic is topics.REQUESTS else topics.RESULTS, record)
        if digest is None:
            return
        way = self._ways.get(digest)
        if way is None:
            self._ways[digest] = _Way(name, record.timestamp, record.timestamp, topic.name)
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


def _is_request(leaf: Leaf) -> bool:
    return leaf.type == topics.REQUESTS.event_type
