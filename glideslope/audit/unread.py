"""Requests that no key here opens, and what can be said of them all the same.

A leaf tells a request's id and which request a decision ends, source and id; the ids of all other
events about it follow from these (`lineage`). So a record that cannot be read is replaced by one
that says no more than that.
"""

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from glideslope.audit.history import Found
from glideslope.audit.lineage import Lineage
from glideslope.identity import RequestName
from glideslope.ledger import WORKED_ON_BY
from services.audit.tlog.leaf import Leaf
from shared import topics
from shared.delivery import Record
from shared.settings import Settings
from shared.topics import Topic

_UNKNOWN: Final = "?"
"""The source of a request that nobody can read, and that nothing was decided about."""
_TYPES: Final = {topic.event_type: topic for topic in topics.ALL if topic.data is not None}


class UnreadRequests:
    """Knows the requests that it was told of, by the names that they have here."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sources: dict[str, str] = {}
        self._lineage = Lineage()

    def add(
        self,
        ids: Iterable[str],
        decided: Mapping[str, AbstractSet[str]],
        readable: AbstractSet[RequestName],
    ) -> None:
        """Tell of the ids of unread requests.

        `decided` are the sources of the requests with an id that were decided, and `readable` the
        requests that are not unread.
        """
        sources = {source for some in decided.values() for source in some}
        sources |= {name.source for name in readable}
        for id_ in ids:
            left = {each for each in decided.get(id_, ()) if RequestName(each, id_) not in readable}
            source = left.pop() if len(left) == 1 else _UNKNOWN
            self._sources[id_] = source
            for each in sources if source == _UNKNOWN else {source}:
                self._lineage.add(each, RequestName(source, id_))

    def name(self, name: RequestName) -> RequestName | None:
        """Return what a request is called here, None where it can be read."""
        source = self._sources.get(name.id)
        if source is None or source not in {_UNKNOWN, name.source}:
            return None
        return RequestName(source, name.id)

    def find(self, topic: Topic, leaf: Leaf) -> RequestName | None:
        """Return the request that a leaf is about, as far as it tells."""
        if leaf.decides is not None:
            return RequestName(leaf.decides.source, leaf.decides.id)
        is_request = topic is topics.REQUESTS or leaf.type == topics.REQUESTS.event_type
        if leaf.event_id is not None and is_request:
            return RequestName(self._sources.get(leaf.event_id, _UNKNOWN), leaf.event_id)
        return self._lineage.find(leaf.event_id)

    def stand_in(self, topic: Topic, found: Found, name: RequestName) -> Record:
        """Return a record of `topic` about a request that has this name here.

        It has no key, as all others about this request must then have none.
        """
        about = topic
        position = found.leaf.position
        headers = {"ce_specversion": "1.0", "ce_type": topic.event_type}
        if topic is topics.DEAD_LETTERS:
            about = _TYPES.get(found.leaf.type or "", topics.REQUESTS_ACCEPTED)
            headers |= {
                "glideslope-source-topic": self._settings.topic(about),
                "glideslope-source-partition": str(position.partition),
                "glideslope-source-offset": "0",
                "glideslope-service": WORKED_ON_BY.get(about, _UNKNOWN),
                "glideslope-reason-code": _UNKNOWN,
                "glideslope-reason": _UNKNOWN,
            }
        is_request = about is topics.REQUESTS
        headers["ce_id"] = name.id if is_request else found.leaf.event_id or _UNKNOWN
        headers["ce_source"] = name.source if is_request else _UNKNOWN
        return Record(
            topic=position.topic,
            partition=position.partition,
            offset=position.offset,
            timestamp=position.timestamp,
            key=None,
            value=json.dumps({"request_id": name.id, "request_source": name.source}).encode(),
            headers=tuple((header, text.encode()) for header, text in headers.items()),
        )
