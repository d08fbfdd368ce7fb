"""One event of each type: a question about an invented company, from its sending to its end."""

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel

from shared import events, topics
from shared.cloudevents import Event, derived_id
from shared.release import BUILT_IN
from shared.topics import Topic

_NOON: Final = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
_SOURCE: Final = "/desk/credit"
_REQUEST_ID: Final = "q-2041"
_RELEASE: Final = BUILT_IN.content_hash()
_QUOTE: Final = "Loans above EUR 250,000 need the approval of two officers."
_PRINCIPAL: Final = events.Principal(id="mara.lindqvist", groups=("credit",))

_SUBMITTED: Final = events.RequestSubmitted(
    question="Who approves a loan of EUR 300,000?",
    principal=_PRINCIPAL,
    metadata={"channel": "desk"},
    deadline=_NOON.replace(minute=5),
)
_ACCEPTED: Final = events.RequestAccepted(
    request_id=_REQUEST_ID,
    request_source=_SOURCE,
    tenant="default",
    question=_SUBMITTED.question,
    principal=_PRINCIPAL,
    metadata=_SUBMITTED.metadata,
    deadline=_SUBMITTED.deadline,
    received_at=_NOON,
    release=_RELEASE,
)
_ON_TRIAL: Final = BUILT_IN.model_copy(update={"answer_max_characters": 600}).content_hash()
_SHADOWED: Final = events.ShadowRequested(
    **{**dict(_ACCEPTED), "release": _ON_TRIAL, "deadline": None}
)
_PASSAGE: Final = events.Passage(
    id="1",
    document_id="credit-policy-2026",
    title="Credit policy 2026",
    locator="p. 4",
    text=_QUOTE,
)
_ANSWER: Final = events.Answer(
    text=_QUOTE,
    citations=(
        events.Citation(document_id=_PASSAGE.document_id, locator=_PASSAGE.locator, quote=_QUOTE),
    ),
)
_PROPOSAL: Final = "0b0f6f0e-7f0b-4d0c-9a52-4d1a2f3c5e6b"
_USAGE: Final = events.Usage(model="extractive")
_DRAFTED: Final = events.AnswerDrafted(
    request=_ACCEPTED, answer=_ANSWER, passages=(_PASSAGE,), usage=_USAGE
)


def _verdict(name: str, verdict: Any, score: float, reason: str) -> events.Verdict:
    return events.Verdict(name=name, verdict=verdict, score=score, reason=reason)


def _checked(
    probability: float, reason: str, *checks: events.Verdict, answer: events.Answer | None = _ANSWER
) -> events.AnswerChecked:
    return events.AnswerChecked(
        request=_ACCEPTED,
        answer=answer,
        passages=(_PASSAGE,),
        usage=_USAGE,
        checks=checks,
        confidence=events.Confidence(
            probability=probability, threshold=BUILT_IN.thresholds.approve
        ),
        reason=reason,
    )


_APPROVED: Final = _checked(
    1.0,
    "every check passed",
    _verdict("citations", "passed", 1.0, "the quote stands in credit-policy-2026, p. 4"),
    _verdict("figures", "passed", 1.0, "250,000 EUR stands in the cited passage"),
)
_FOR_REVIEW: Final = _checked(
    1.0,
    "figures could not be checked",
    _verdict("figures", "could_not_check", 0.0, "the unit of a number is unclear"),
)
_REGISTERED: Final = events.ReleaseRegistered(release=_RELEASE, manifest=BUILT_IN)

_DATA: Final[dict[Topic, BaseModel]] = {
    topics.REQUESTS: _SUBMITTED,
    topics.DOCUMENTS: events.DocumentSubmitted(
        document_id=_PASSAGE.document_id,
        title=_PASSAGE.title,
        pages=(events.Page(locator=_PASSAGE.locator, text=_QUOTE),),
        groups=("credit",),
    ),
    topics.FEEDBACK: events.FeedbackSubmitted(
        request_id=_REQUEST_ID, request_source=_SOURCE, rating="helpful"
    ),
    topics.REQUESTS_ACCEPTED: _ACCEPTED,
    topics.REQUESTS_REJECTED: events.RequestRejected(
        request_id=_REQUEST_ID,
        request_source=_SOURCE,
        code="empty",
        message="`question` is empty: send some text",
        field="question",
    ),
    topics.REQUESTS_DUPLICATED: events.RequestDuplicated(
        request_id=_REQUEST_ID, request_source=_SOURCE
    ),
    topics.DOCUMENTS_ACCEPTED: events.DocumentAccepted(
        document_id=_PASSAGE.document_id,
        tenant="default",
        title=_PASSAGE.title,
        groups=("credit",),
        passages=(_PASSAGE,),
    ),
    topics.DOCUMENTS_REJECTED: events.DocumentRejected(
        document_id=_PASSAGE.document_id,
        code="text_or_pages",
        message="send either `text` or `pages`, not both and not neither, or `deleted`: true",
    ),
    topics.FEEDBACK_ACCEPTED: events.FeedbackAccepted(
        request_id=_REQUEST_ID, request_source=_SOURCE, rating="helpful", tenant="default"
    ),
    topics.FEEDBACK_REJECTED: events.FeedbackRejected(
        request_id=_REQUEST_ID,
        code="field_missing",
        message="`rating` is missing: send it",
        field="rating",
    ),
    topics.SHADOWS_REQUESTED: _SHADOWED,
    topics.SHADOWS_DRAFTED: _DRAFTED.model_copy(update={"request": _SHADOWED}),
    topics.SHADOWS_CHECKED: events.ShadowChecked(
        **{**dict(_APPROVED), "request": _SHADOWED}, route="approved"
    ),
    topics.ANSWERS_DRAFTED: _DRAFTED,
    topics.ANSWERS_APPROVED: _APPROVED,
    topics.FALLBACK_REGENERATE: _checked(
        0.0,
        "a quote is not in its passage",
        _verdict("citations", "failed", 0.0, "the quote does not stand in the passage"),
    ),
    topics.FALLBACK_REVIEW: _FOR_REVIEW,
    topics.FALLBACK_REFUSAL: _checked(
        0.0,
        "nothing was found that answers",
        _verdict("not_empty", "failed", 0.0, "there is no answer"),
        answer=None,
    ),
    topics.REVIEWS_DECIDED: events.ReviewDecided(
        item=_FOR_REVIEW,
        decision="approved",
        answer=_ANSWER,
        reviewer="jonas.weber",
        reason="the figure is as in the policy",
        decided_at=_NOON.replace(minute=4),
    ),
    topics.REVIEWS_PROPOSED: events.EditProposed(
        **{name: getattr(_DRAFTED, name) for name in events.AnswerDrafted.model_fields},
        proposal=_PROPOSAL,
        editor="jonas.weber",
    ),
    topics.REVIEWS_CHECKED: events.EditChecked(
        proposal=_PROPOSAL,
        request_id=_REQUEST_ID,
        request_source=_SOURCE,
        checks=_APPROVED.checks,
        confidence=_APPROVED.confidence,
    ),
    topics.REVIEWS_ACCESSED: events.ReviewAccessed(
        who="ines.duarte",
        roles=("reviewer",),
        action="item.viewed",
        items=(events.SeenItem(request_source=_SOURCE, request_id=_REQUEST_ID, tenant="default"),),
        at=_NOON,
    ),
    topics.REVIEWS_ESCALATED: events.ReviewEscalated(
        request_id=_REQUEST_ID,
        request_source=_SOURCE,
        tenant="default",
        level="due_soon",
        risk="normal",
        since=_NOON,
        due=_NOON.replace(minute=5),
    ),
    topics.RESULTS: events.Result(
        request_id=_REQUEST_ID,
        request_source=_SOURCE,
        outcome="answered",
        answer=_ANSWER,
        confidence=_APPROVED.confidence,
        checks=_APPROVED.checks,
        release=_RELEASE,
        usage=_USAGE,
        receipt=events.Receipt(origin="glideslope/2", index=118, size=119),
    ),
    topics.SUBJECTS_ERASED: events.SubjectErased(tenant="default", subject="customer-4711"),
    topics.OPERATIONS: events.Operation(
        operator="ines.duarte",
        action="dlq.redrive",
        reason="the release is registered now",
        selection="service=inference reason-code=UnknownReleaseError",
        topic=topics.DEAD_LETTERS.name,
        offsets=(events.OffsetRange(first=17, last=17), events.OffsetRange(first=19, last=23)),
    ),
    topics.RELEASES: _REGISTERED,
    topics.ROUTING: events.RoutingChanged(
        revision=3,
        promoted=_RELEASE,
        earlier=(None,),
        canary=events.Canary(release=_ON_TRIAL, percent=5, since=_NOON),
        operator="ines.duarte",
        action="release.canary",
        reason="shorter answers for the desk",
        changed_at=_NOON,
    ),
}
_SENT: Final = frozenset({topics.REQUESTS, topics.DOCUMENTS, topics.FEEDBACK})


def data(topic: Topic) -> dict[str, Any]:
    """Return the data of the example: what a sender has to say, or all that a service says."""
    model = _DATA[topic]
    return model.model_dump(mode="json", exclude_unset=topic in _SENT)


def headers(topic: Topic) -> dict[str, str]:
    """Return the record headers of the example in binary mode."""
    sent = topic in _SENT
    event = Event(
        id=_REQUEST_ID if sent else derived_id(_SOURCE, _REQUEST_ID, topic.name),
        type=topic.event_type,
        source=_SOURCE if sent else "/glideslope",
        data=b"",
        time=_NOON.isoformat(),
        subject=_PRINCIPAL.id,
    )
    return {name: (raw or b"").decode() for name, raw in event.headers()}
