"""Is this feedback acceptable? If so it leaves normalised, with its tenant."""

from typing import Any

from services.ingest.arrival import Arrival
from services.ingest.objection import Objection, read, reference
from services.ingest.text import LINE, LINES, free_of, normalised
from shared.events import FeedbackAccepted, FeedbackRejected, FeedbackSubmitted


def acceptable(data: Any, arrival: Arrival, most_bytes: int) -> FeedbackAccepted | FeedbackRejected:
    """Decide on the data of one piece of feedback; `most_bytes` bounds its record."""
    try:
        arrival.check(most_bytes)
        feedback = read(FeedbackSubmitted, _with_normalised_comment(data))
        free_of(LINE, feedback.request_id, "request_id")
        free_of(LINE, feedback.request_source or "", "request_source")
        return FeedbackAccepted(tenant=arrival.tenant, **feedback.model_dump())
    except Objection as objection:
        return FeedbackRejected(
            request_id=reference(data, "request_id"),
            code=objection.code,
            message=objection.message,
            field=objection.field,
        )


def _with_normalised_comment(data: Any) -> Any:
    """Normalise before the length is checked: NFC changes it, and blank ends do not count."""
    if isinstance(data, dict) and isinstance(comment := data.get("comment"), str):
        return {**data, "comment": normalised(comment, "comment", LINES)}
    return data
