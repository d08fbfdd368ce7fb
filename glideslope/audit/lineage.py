"""Which request an entry is about, from what its leaf says alone.

An event's id derives from the event before it, back to the request's own source and id (see
`shared.cloudevents.derived_id`). So where the records cannot be decrypted, the ids that all later
events of a request must have can still be computed, and looked up.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from glideslope.identity import RequestName
from shared import topics
from shared.cloudevents import derived_id
from shared.topics import Topic

_MADE_BY: Final[Mapping[Topic, str]] = {
    topics.REQUESTS_ACCEPTED: "ingest",
    topics.REQUESTS_REJECTED: "ingest",
    topics.REQUESTS_DUPLICATED: "ingest",
    topics.ANSWERS_DRAFTED: "inference",
    topics.ANSWERS_APPROVED: "validator",
    topics.FALLBACK_REGENERATE: "validator",
    topics.FALLBACK_REVIEW: "validator",
    topics.FALLBACK_REFUSAL: "validator",
    topics.REVIEWS_DECIDED: "review",
    topics.RESULTS: "audit",
}
_LEADS_TO: Final[Mapping[Topic, tuple[Topic, ...]]] = {
    topics.REQUESTS: (
        topics.REQUESTS_ACCEPTED,
        topics.REQUESTS_REJECTED,
        topics.REQUESTS_DUPLICATED,
    ),
    topics.REQUESTS_ACCEPTED: (topics.ANSWERS_DRAFTED,),
    topics.ANSWERS_DRAFTED: (
        topics.ANSWERS_APPROVED,
        topics.FALLBACK_REGENERATE,
        topics.FALLBACK_REVIEW,
        topics.FALLBACK_REFUSAL,
    ),
    topics.FALLBACK_REGENERATE: (topics.ANSWERS_DRAFTED,),
    topics.FALLBACK_REVIEW: (topics.REVIEWS_DECIDED,),
    topics.ANSWERS_APPROVED: (topics.RESULTS,),
    topics.FALLBACK_REFUSAL: (topics.RESULTS,),
    topics.REVIEWS_DECIDED: (topics.RESULTS,),
}


class Lineage:
    """Finds the request of an event id, among the requests that it was told of."""

    def __init__(self) -> None:
        self._names: dict[str, RequestName] = {}

    def add(self, source: str, name: RequestName) -> None:
        """Tell of a request, by its name here and the source that it came with."""
        for id_ in _descendants(topics.REQUESTS, source, name.id, regenerated=False):
            self._names[id_] = name

    def find(self, event_id: str | None) -> RequestName | None:
        """Return the request that the event follows from, None where it is not known."""
        return None if event_id is None else self._names.get(event_id)


def _descendants(topic: Topic, source: str, id_: str, *, regenerated: bool) -> Iterator[str]:
    for next_ in _LEADS_TO.get(topic, ()):
        if next_ is topics.FALLBACK_REGENERATE and regenerated:
            continue  # a draft is made anew once
        child = derived_id(source, id_, next_.name)
        yield child
        again = regenerated or next_ is topics.FALLBACK_REGENERATE
        yield from _descendants(next_, f"/glideslope/{_MADE_BY[next_]}", child, regenerated=again)
