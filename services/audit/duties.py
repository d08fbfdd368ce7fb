"""What audit owes each topic, beside logging every record of it."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from services.audit.decision import Decision, approved, refused, reviewed
from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.topics import Topic


class Duty(Enum):
    """What is done with a record after it was logged."""

    LOG = "nothing more"
    CHECK = "an unreadable one becomes a dead letter: nobody else would notice"
    DECIDE = "as CHECK, and it ends its request"


DUTIES: Final[Mapping[Topic, Duty]] = {
    # Consumed by another service, which makes a dead letter of what it cannot read.
    topics.REQUESTS: Duty.LOG,
    topics.DOCUMENTS: Duty.LOG,
    topics.FEEDBACK: Duty.LOG,
    topics.REQUESTS_ACCEPTED: Duty.LOG,
    topics.FALLBACK_REGENERATE: Duty.LOG,
    topics.ANSWERS_DRAFTED: Duty.LOG,
    **dict.fromkeys(topics.SHADOWS, Duty.LOG),
    topics.FALLBACK_REVIEW: Duty.LOG,
    topics.REVIEWS_PROPOSED: Duty.LOG,
    topics.REVIEWS_CHECKED: Duty.LOG,
    topics.SUBJECTS_ERASED: Duty.LOG,
    # Consumed by no other service, or not record by record.
    topics.REQUESTS_REJECTED: Duty.CHECK,
    topics.REQUESTS_DUPLICATED: Duty.CHECK,
    topics.DOCUMENTS_ACCEPTED: Duty.CHECK,
    topics.DOCUMENTS_REJECTED: Duty.CHECK,
    topics.FEEDBACK_ACCEPTED: Duty.CHECK,
    topics.FEEDBACK_REJECTED: Duty.CHECK,
    topics.REVIEWS_ESCALATED: Duty.CHECK,
    topics.REVIEWS_ACCESSED: Duty.CHECK,
    topics.OPERATIONS: Duty.CHECK,
    # The end of a request.
    topics.ANSWERS_APPROVED: Duty.DECIDE,
    topics.FALLBACK_REFUSAL: Duty.DECIDE,
    topics.REVIEWS_DECIDED: Duty.DECIDE,
    # Never a dead letter: one would lead to the next.
    topics.RESULTS: Duty.LOG,
    topics.DEAD_LETTERS: Duty.LOG,
    topics.RELEASES: Duty.LOG,
    topics.ROUTING: Duty.LOG,
    # Records that were read once already. Audit's own are logged where they came from.
    **dict.fromkeys(topics.RETRIES.values(), Duty.LOG),
}

_DECISIONS: Final[Mapping[Topic, Callable[[Any], Decision]]] = {
    topics.ANSWERS_APPROVED: approved,
    topics.FALLBACK_REFUSAL: refused,
    topics.REVIEWS_DECIDED: reviewed,
}


def fulfil(topic: Topic, value: bytes | None, headers: cloudevents.Headers) -> Decision | None:
    """Do what a record's topic asks for and return the decision, if the record is one.

    Raises `UnreadableError`, or pydantic's `ValidationError`, for what must become a dead letter.
    """
    duty = DUTIES[topic]
    if duty is Duty.LOG or topic.data is None or _erases(topic, value):
        return None
    event = cloudevents.read(value, headers)
    if event.type != topic.event_type:
        raise UnreadableError(
            "wrong_type", f"type is {event.type!r}: {topic.name} carries {topic.event_type!r}"
        )
    data = topic.data.model_validate_json(event.data)
    return _DECISIONS[topic](data) if duty is Duty.DECIDE else None


def _erases(topic: Topic, value: bytes | None) -> bool:
    """Say whether it is a tombstone where one belongs: it lets compaction forget a key."""
    return value is None and topic.cleanup == "compact"
