"""What leaves when people have decided: events that derive from the one that brought the item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel

from services.review.decision import Kind, Opinion, Proposal
from services.review.item import Alarm, Arrival, Item
from shared import events, topics
from shared.cloudevents import Event
from shared.topics import Topic

SOURCE: Final = "/glideslope/review"
"""CloudEvents source of what reviews lead to."""
_ENDS: Final[Mapping[Kind, Literal["approved", "edited", "rejected"]]] = {
    Kind.APPROVED: "approved",
    Kind.EDITED: "edited",
    Kind.REJECTED: "rejected",
}
_COMMENT_MAX: Final = 8_000

Rating = Literal["helpful", "unhelpful", "wrong"]
_RATINGS: Final[Mapping[Kind, Rating]] = {
    Kind.APPROVED: "helpful",
    Kind.EDITED: "unhelpful",
    Kind.SENT_BACK: "unhelpful",
    Kind.REJECTED: "wrong",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """An event to be published on a topic."""

    topic: Topic
    event: Event


@dataclass(frozen=True, slots=True)
class Word:
    """A person's opinion with what it would let out. `proposal` is the edit, for EDITED."""

    opinion: Opinion
    answer: events.Answer | None
    proposal: Proposal | None = None


def decided(arrival: Arrival, item: Item, words: Sequence[Word]) -> tuple[Letter, ...]:
    """Return the decision, which is the last word, and what a calibration learns from it."""
    last = words[-1]
    opinion = last.opinion
    said = " - ".join(part for part in (opinion.reason, opinion.note) if part)
    decision = events.ReviewDecided(
        item=item.checked,
        decision=_ends(opinion.kind),
        answer=last.answer,
        reviewer=opinion.reviewer,
        reason=said,
        decided_at=opinion.decided_at,
        payload=item.payload,
        reason_code=opinion.reason if item.rules.reasons and opinion.reason else None,
        diff=last.proposal.diff if last.proposal else None,
        checks=last.proposal.checks if last.proposal else None,
        opinions=tuple(map(_opinion, words)) if len(words) > 1 else None,
        seconds=opinion.seconds,
    )
    return (
        _letter(arrival, topics.REVIEWS_DECIDED, decision),
        _feedback(arrival, item, opinion, said),
    )


def erased(arrival: Arrival, item: Item, opinion: Opinion) -> Letter:
    """Return the end of a request whose person was erased; nobody's opinion of it."""
    decision = events.ReviewDecided(
        item=item.checked,
        decision="rejected",
        answer=None,
        reviewer=opinion.reviewer,
        reason=opinion.reason,
        decided_at=opinion.decided_at,
    )
    return _letter(arrival, topics.REVIEWS_DECIDED, decision)


def forgotten(arrival: Arrival, item: Item, who: str, at: datetime) -> Letter:
    """Return word that an item's content is gone from here."""
    summary = item.summary
    seen = events.SeenItem(
        request_source=summary.request_source,
        request_id=summary.request_id,
        tenant=summary.tenant,
    )
    word = events.ReviewAccessed(who=who, action="item.erased", items=(seen,), at=at)
    return _letter(arrival, topics.REVIEWS_ACCESSED, word, "/erased")


def sent_back(arrival: Arrival, item: Item, opinion: Opinion) -> tuple[Letter, ...]:
    """Return the order for another answer, and what a calibration learns from it."""
    why = events.SentBack(
        reviewer=opinion.reviewer, note=opinion.note, decided_at=opinion.decided_at
    )
    again = item.checked.model_copy(update={"sent_back": why})
    return (
        _letter(arrival, topics.FALLBACK_REGENERATE, again),
        _feedback(arrival, item, opinion, opinion.note),
    )


def proposed(arrival: Arrival, item: Item, proposal: Proposal) -> Letter:
    """Return an edited answer on its way to the checks."""
    draft = {name: getattr(item.checked, name) for name in events.AnswerDrafted.model_fields}
    # its claims were those of the text before
    draft |= {"answer": proposal.answer, "claims": (), "referral": None}
    edit = events.EditProposed(**draft, proposal=proposal.id, editor=proposal.author)
    return _letter(arrival, topics.REVIEWS_PROPOSED, edit, f"/{proposal.id}")


def escalated(arrival: Arrival, item: Item, level: Alarm, holder: str | None) -> Letter:
    """Return word that an item's time runs out, or has."""
    summary = item.summary
    word = events.ReviewEscalated(
        request_id=summary.request_id,
        request_source=summary.request_source,
        tenant=summary.tenant,
        level="overdue" if level is Alarm.OVERDUE else "due_soon",
        risk=summary.risk.value,
        since=summary.since,
        due=summary.due,
        holder=holder,
    )
    return _letter(arrival, topics.REVIEWS_ESCALATED, word, f"/{level.value}")


def _letter(arrival: Arrival, topic: Topic, data: BaseModel, part: str = "") -> Letter:
    event = arrival.event.derive(
        data, type=topic.event_type, source=SOURCE, stage=f"{topic.name}{part}"
    )
    return Letter(topic, event)


def _feedback(arrival: Arrival, item: Item, opinion: Opinion, comment: str) -> Letter:
    request = item.checked.request
    label = events.FeedbackAccepted(
        request_id=request.request_id,
        request_source=request.request_source,
        rating=_RATINGS[opinion.kind],
        comment=comment[:_COMMENT_MAX],
        tenant=request.tenant,
        decision=opinion.kind.value,
        checks=item.checked.checks,
        confidence=item.checked.confidence,
    )
    return _letter(arrival, topics.FEEDBACK_ACCEPTED, label)


def _opinion(word: Word) -> events.ReviewOpinion:
    opinion = word.opinion
    return events.ReviewOpinion(
        reviewer=opinion.reviewer,
        decision=_ends(opinion.kind),
        answer=word.answer,
        reason=" - ".join(part for part in (opinion.reason, opinion.note) if part),
        decided_at=opinion.decided_at,
    )


def _ends(kind: Kind) -> Literal["approved", "edited", "rejected"]:
    if kind is Kind.SENT_BACK:
        raise ValueError("asking for another answer ends nothing")
    return _ENDS[kind]
