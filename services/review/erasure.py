"""What stays of an item when the person is erased whose data it was: nothing of what it said.

Its request stays known by id and source, with the marks that the checks gave and how it ended, so
that it still ends exactly once and every figure holds.
"""

import hashlib
import json
from dataclasses import replace
from typing import Final

from services.review.item import Arrival
from shared.events import AnswerChecked, RequestAccepted, Verdict

BY: Final = "glideslope"
"""Who decides what nobody can decide any more."""
ERASED: Final = "(erased)"
REASON: Final = "The person whose data this was has been erased: nobody can look at it any more."
"""What the asker is told of a question that was still open."""
_OURS: Final = frozenset({"tenant", "release"})


def person(tenant: str, subject: str) -> str:
    """Return the hash by which a person is known: their name is not kept."""
    return hashlib.sha256(json.dumps([tenant, subject]).encode()).hexdigest()


def without_content(checked: AnswerChecked) -> AnswerChecked:
    """Return what stays of an answer that waited."""
    request = checked.request
    return AnswerChecked(
        request=RequestAccepted(
            request_id=request.request_id,
            request_source=request.request_source,
            tenant=request.tenant,
            question=ERASED,
            received_at=request.received_at,
            release=request.release,
        ),
        attempt=checked.attempt,
        answer=None,
        usage=checked.usage,
        checks=tuple(
            Verdict(name=each.name, verdict=each.verdict, score=each.score, reason=ERASED)
            for each in checked.checks
        ),
        confidence=checked.confidence,
        reason=ERASED,
    )


def forgotten(arrival: Arrival, checked: AnswerChecked) -> Arrival:
    """Return an arrival as if it had brought no more than what stays: nobody's data."""
    event = replace(
        arrival.event,
        data=checked.model_dump_json().encode(),
        subject=None,
        extensions={k: v for k, v in arrival.event.extensions.items() if k in _OURS},
        foreign=(),
    )
    return replace(arrival, event=event)
