"""Which request an entry is about, from what its leaf says alone.

An event's id derives from the event before it, back to the request's own source and id (see
`shared.cloudevents.derived_id`). So where the records cannot be decrypted, the ids that all later
events of a request must have can still be computed, and looked up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from glideslope.identity import RequestName
from services.review.decision import ATTEMPTS_MAX
from shared import topics
from shared.cloudevents import derived_id
from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class _Step:
    """An event that a service derives from the one before; `part` is the rest of its stage."""

    topic: Topic
    by: str
    part: str = ""

    def follow(self, source: str, id_: str) -> tuple[str, str]:
        """Return source and id of the event that it makes of one."""
        return f"/glideslope/{self.by}", derived_id(source, id_, f"{self.topic.name}{self.part}")


_RESULT: Final = (_Step(topics.RESULTS, "audit"),)
_LEADS_TO: Final[Mapping[Topic, tuple[_Step, ...]]] = {
    topics.REQUESTS: (
        _Step(topics.REQUESTS_ACCEPTED, "ingest"),
        _Step(topics.REQUESTS_REJECTED, "ingest"),
        _Step(topics.REQUESTS_DUPLICATED, "ingest"),
    ),
    topics.REQUESTS_ACCEPTED: (_Step(topics.ANSWERS_DRAFTED, "inference"),),
    topics.ANSWERS_DRAFTED: (
        _Step(topics.ANSWERS_APPROVED, "validator"),
        _Step(topics.FALLBACK_REGENERATE, "validator"),
        _Step(topics.FALLBACK_REVIEW, "validator"),
        _Step(topics.FALLBACK_REFUSAL, "validator"),
    ),
    topics.FALLBACK_REGENERATE: (_Step(topics.ANSWERS_DRAFTED, "inference"),),
    topics.FALLBACK_REVIEW: (
        _Step(topics.REVIEWS_DECIDED, "review"),
        _Step(topics.FALLBACK_REGENERATE, "review"),
        _Step(topics.FEEDBACK_ACCEPTED, "review"),
        _Step(topics.REVIEWS_ESCALATED, "review", "/due_soon"),
        _Step(topics.REVIEWS_ESCALATED, "review", "/overdue"),
        _Step(topics.REVIEWS_ACCESSED, "review", "/erased"),
    ),
    topics.ANSWERS_APPROVED: _RESULT,
    topics.FALLBACK_REFUSAL: _RESULT,
    topics.REVIEWS_DECIDED: _RESULT,
}


class Lineage:
    """Finds the request of an event id, among the requests that it was told of."""

    def __init__(self) -> None:
        self._names: dict[str, RequestName] = {}

    def add(self, source: str, name: RequestName) -> None:
        """Tell of a request, by its name here and the source that it came with."""
        for id_ in _descendants(topics.REQUESTS, source, name.id):
            self._names[id_] = name

    def find(self, event_id: str | None) -> RequestName | None:
        """Return the request that the event follows from, None where it is not known."""
        return None if event_id is None else self._names.get(event_id)


def _descendants(topic: Topic, source: str, id_: str, attempt: int = 1) -> Iterator[str]:
    for step in _LEADS_TO.get(topic, ()):
        is_again = step.topic is topics.FALLBACK_REGENERATE
        if is_again and not _may_follow(step, attempt):
            continue
        made_by, child = step.follow(source, id_)
        yield child
        yield from _descendants(step.topic, made_by, child, attempt + is_again)


def _may_follow(again: _Step, attempt: int) -> bool:
    """Whether an answer is made anew: once because of the checks, more often for a person."""
    return attempt < (ATTEMPTS_MAX if again.by == "review" else 2)
