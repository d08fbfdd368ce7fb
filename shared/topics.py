"""Every topic of the pipeline, in the order in which an event meets them.

All topics have the same number of partitions: a conversation keeps its record key and its
partition number from `requests` to `results`. A topic carries one type of event, whose data is
the model named here.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from pydantic import BaseModel

from shared import events

FOREVER: Final = None
_MIB: Final = 1024 * 1024
_LETTER_BYTES: Final = 16 * _MIB  # any record of the others, and what is said of it


@dataclass(frozen=True, slots=True)
class Topic:
    """One Kafka topic.

    `data` is None where records are kept as they came (`dead.letters`, `….retry`). `retention`
    None means that nothing is ever deleted by age. `max_bytes` is the largest record the broker
    accepts. On an `is_foreign` topic others write, so junk there is no sign of a fault of ours.
    """

    name: str
    event_type: str
    data: type[BaseModel] | None
    retention: timedelta | None
    cleanup: Literal["delete", "compact"] = "delete"
    max_bytes: int = 8 * _MIB
    is_foreign: bool = False


# What an enterprise system sends. A record of the broker's usual largest size is taken; what is
# derived from it is larger, hence the larger limit everywhere else.
REQUESTS = Topic(
    "requests",
    "glideslope.request.submitted.v1",
    events.RequestSubmitted,
    timedelta(days=30),
    max_bytes=_MIB,
    is_foreign=True,
)
DOCUMENTS = Topic(
    "documents",
    "glideslope.document.submitted.v1",
    events.DocumentSubmitted,
    timedelta(days=30),
    max_bytes=_MIB,
    is_foreign=True,
)
FEEDBACK = Topic(
    "feedback",
    "glideslope.feedback.submitted.v1",
    events.FeedbackSubmitted,
    timedelta(days=30),
    max_bytes=_MIB,
    is_foreign=True,
)

# ingest: what was accepted, with its release pinned.
REQUESTS_ACCEPTED = Topic(
    "requests.accepted",
    "glideslope.request.accepted.v1",
    events.RequestAccepted,
    timedelta(days=30),
)
# ingest: what was not, with what the sender must change. One of the two ends of a request.
REQUESTS_REJECTED = Topic(
    "requests.rejected",
    "glideslope.request.rejected.v1",
    events.RequestRejected,
    timedelta(days=30),
)
# ingest: a second record of the same (source, id). Nobody answers it; it is counted here.
REQUESTS_DUPLICATED = Topic(
    "requests.duplicated",
    "glideslope.request.duplicated.v1",
    events.RequestDuplicated,
    timedelta(days=30),
)
# ingest: documents cut into passages. Compacted, so an index can be rebuilt from it at any time;
# for that its key is tenant and document id, whatever key the sender chose.
DOCUMENTS_ACCEPTED = Topic(
    "documents.accepted",
    "glideslope.document.accepted.v1",
    events.DocumentAccepted,
    FOREVER,
    cleanup="compact",
)
DOCUMENTS_REJECTED = Topic(
    "documents.rejected",
    "glideslope.document.rejected.v1",
    events.DocumentRejected,
    timedelta(days=30),
)
# ingest: feedback of people on results, for the evaluation sets.
FEEDBACK_ACCEPTED = Topic(
    "feedback.accepted",
    "glideslope.feedback.accepted.v1",
    events.FeedbackAccepted,
    FOREVER,
)
FEEDBACK_REJECTED = Topic(
    "feedback.rejected",
    "glideslope.feedback.rejected.v1",
    events.FeedbackRejected,
    timedelta(days=30),
)

# ingest: a copy of an accepted request for a release in shadow. Nothing that is made of it is ever
# an answer: from here on a copy meets no person, no result and no reconciliation.
SHADOWS_REQUESTED = Topic(
    "shadows.requested",
    "glideslope.shadow.requested.v1",
    events.ShadowRequested,
    timedelta(days=30),
)
# inference: what the release in shadow made of a copy.
SHADOWS_DRAFTED = Topic(
    "shadows.drafted",
    "glideslope.shadow.drafted.v1",
    events.AnswerDrafted,
    timedelta(days=30),
)
# validator: the verdict on it, and which way it would have gone. `regenerate` goes back to
# inference.
SHADOWS_CHECKED = Topic(
    "shadows.checked",
    "glideslope.shadow.checked.v1",
    events.ShadowChecked,
    timedelta(days=30),
)

# inference: an answer with its quotes, or word that nothing was found. Not checked yet.
ANSWERS_DRAFTED = Topic(
    "answers.drafted",
    "glideslope.answer.drafted.v1",
    events.AnswerDrafted,
    timedelta(days=30),
)

# validator: one of four ways on.
ANSWERS_APPROVED = Topic(
    "answers.approved",
    "glideslope.answer.approved.v1",
    events.AnswerChecked,
    timedelta(days=30),
)
# Back to inference, once, for a stronger try.
FALLBACK_REGENERATE = Topic(
    "fallback.regenerate",
    "glideslope.fallback.regenerate.v1",
    events.AnswerChecked,
    timedelta(days=30),
)
# To a person.
FALLBACK_REVIEW = Topic(
    "fallback.review",
    "glideslope.fallback.review.v1",
    events.AnswerChecked,
    timedelta(days=30),
)
# To an honest 'no'.
FALLBACK_REFUSAL = Topic(
    "fallback.refusal",
    "glideslope.fallback.refusal.v1",
    events.AnswerChecked,
    timedelta(days=30),
)

# review: what the person decided.
REVIEWS_DECIDED = Topic(
    "reviews.decided",
    "glideslope.review.decided.v1",
    events.ReviewDecided,
    timedelta(days=30),
)

# review: an edited answer, to be checked before a person may let it out; validator: what the
# checks say of it.
REVIEWS_PROPOSED = Topic(
    "reviews.proposed",
    "glideslope.review.proposed.v1",
    events.EditProposed,
    timedelta(days=30),
)
REVIEWS_CHECKED = Topic(
    "reviews.checked",
    "glideslope.review.checked.v1",
    events.EditChecked,
    timedelta(days=30),
)
# review: what waits for a person too long.
REVIEWS_ESCALATED = Topic(
    "reviews.escalated",
    "glideslope.review.escalated.v1",
    events.ReviewEscalated,
    timedelta(days=30),
)
# review: who saw what waits for a person, and who was refused it.
REVIEWS_ACCESSED = Topic(
    "reviews.accessed",
    "glideslope.review.accessed.v1",
    events.ReviewAccessed,
    timedelta(days=30),
)

# audit, and audit alone: what leaves the pipeline. The other end of a request.
RESULTS = Topic("results", "glideslope.result.v1", events.Result, timedelta(days=30))

# Every service: records that could not be read or handled, with their original bytes.
DEAD_LETTERS = Topic(
    "dead.letters", "glideslope.dead.letter.v1", None, FOREVER, max_bytes=_LETTER_BYTES
)

# An operator, by hand: dead letters redriven, contents revealed. What has been redriven is known
# from here alone, so it is kept as long as dead letters are.
OPERATIONS = Topic("operations", "glideslope.operation.v1", events.Operation, FOREVER)

# An auditor, by hand: a person was erased. Kept for longer than what it is about, so that a queue
# that is built anew from the topics forgets it again.
SUBJECTS_ERASED = Topic(
    "subjects.erased",
    "glideslope.subject.erased.v1",
    events.SubjectErased,
    timedelta(days=60),
)

# ingest, for itself: submissions whose handler failed, until they are due to be tried again.
INGEST_RETRY = Topic(
    "ingest.retry", "glideslope.retry.v1", None, timedelta(days=30), max_bytes=_LETTER_BYTES
)
# inference, for itself: requests whose handler failed, until they are due to be tried again.
INFERENCE_RETRY = Topic(
    "inference.retry", "glideslope.retry.v1", None, timedelta(days=30), max_bytes=_LETTER_BYTES
)
# validator, for itself: drafts whose handler failed, until they are due to be tried again.
VALIDATOR_RETRY = Topic(
    "validator.retry", "glideslope.retry.v1", None, timedelta(days=30), max_bytes=_LETTER_BYTES
)
# audit, for itself: decisions whose handler failed, until they are due to be tried again.
AUDIT_RETRY = Topic(
    "audit.retry", "glideslope.retry.v1", None, timedelta(days=30), max_bytes=_LETTER_BYTES
)
# review, for itself: items whose handler failed, until they are due to be tried again.
REVIEW_RETRY = Topic(
    "review.retry", "glideslope.retry.v1", None, timedelta(days=30), max_bytes=_LETTER_BYTES
)
RETRIES: Final = {
    "ingest": INGEST_RETRY,
    "inference": INFERENCE_RETRY,
    "validator": VALIDATOR_RETRY,
    "audit": AUDIT_RETRY,
    "review": REVIEW_RETRY,
}

# The immutable manifests that requests are pinned to, each under its content hash.
RELEASES = Topic(
    "releases",
    "glideslope.release.registered.v1",
    events.ReleaseRegistered,
    FOREVER,
    cleanup="compact",
)

# An operator: which releases requests are pinned to from now on. One record, under one key.
ROUTING = Topic(
    "routing",
    "glideslope.routing.changed.v1",
    events.RoutingChanged,
    FOREVER,
    cleanup="compact",
)

SHADOWS: Final = (SHADOWS_REQUESTED, SHADOWS_DRAFTED, SHADOWS_CHECKED)
"""Where copies for a release in shadow are: what happens there happens to no request."""

ALL: Final[tuple[Topic, ...]] = (
    REQUESTS,
    DOCUMENTS,
    FEEDBACK,
    REQUESTS_ACCEPTED,
    REQUESTS_REJECTED,
    REQUESTS_DUPLICATED,
    DOCUMENTS_ACCEPTED,
    DOCUMENTS_REJECTED,
    FEEDBACK_ACCEPTED,
    FEEDBACK_REJECTED,
    SHADOWS_REQUESTED,
    SHADOWS_DRAFTED,
    SHADOWS_CHECKED,
    ANSWERS_DRAFTED,
    ANSWERS_APPROVED,
    FALLBACK_REGENERATE,
    FALLBACK_REVIEW,
    FALLBACK_REFUSAL,
    REVIEWS_PROPOSED,
    REVIEWS_CHECKED,
    REVIEWS_ESCALATED,
    REVIEWS_ACCESSED,
    REVIEWS_DECIDED,
    RESULTS,
    DEAD_LETTERS,
    OPERATIONS,
    SUBJECTS_ERASED,
    INGEST_RETRY,
    INFERENCE_RETRY,
    VALIDATOR_RETRY,
    AUDIT_RETRY,
    REVIEW_RETRY,
    RELEASES,
    ROUTING,
)
