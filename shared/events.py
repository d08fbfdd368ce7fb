"""The data of each event, as the contract between the services and with the outside.

A model only ever gains optional fields; anything else is a new topic version. Reading is
tolerant (an unknown field is ignored), so that an older service understands a newer one.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from shared.release import Release

QUESTION_MAX_CHARACTERS: Final = 8_000
EVERYONE: Final = "*"
"""The group that every principal of a tenant is in."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Data(BaseModel):
    """Base of every event's data: immutable once read."""

    model_config = ConfigDict(frozen=True)


# ── requests ──────────────────────────────────────────────────────────────────────────────────


class InlinePassage(Data):
    """Grounding that the sender brings along, beside what retrieval finds."""

    id: Identifier
    text: Annotated[str, StringConstraints(min_length=1)]


class Principal(Data):
    """On whose behalf the question is asked; decides which documents may be read."""

    id: Identifier
    groups: tuple[Identifier, ...] = ()


class RequestSubmitted(Data):
    """A question, as an enterprise system sends it. `question` is all that is needed."""

    question: Annotated[str, StringConstraints(min_length=1, max_length=QUESTION_MAX_CHARACTERS)]
    passages: tuple[InlinePassage, ...] = ()
    principal: Principal | None = None
    metadata: dict[str, str] = {}
    deadline: AwareDatetime | None = None


class RequestAccepted(Data):
    """A question that was validated, normalised, and pinned to a release.

    A request is known by the pair (`request_source`, `request_id`): the CloudEvents source and
    id it came with. `unknown_fields` holds what the sender sent beyond the contract; it is kept
    for the record and nothing reads it.
    """

    request_id: str
    request_source: str
    tenant: str
    question: str
    passages: tuple[InlinePassage, ...] = ()
    principal: Principal | None = None
    metadata: dict[str, str] = {}
    deadline: AwareDatetime | None = None
    received_at: datetime
    release: str
    unknown_fields: dict[str, JsonValue] = {}


class RequestRejected(Data):
    """A question that was not accepted. `message` tells the sender what to change."""

    request_id: str
    request_source: str
    code: str
    message: str
    field: str | None = None
    received_at: AwareDatetime | None = None


class RequestDuplicated(Data):
    """A second record of a request that already has, or will have, its end."""

    request_id: str
    request_source: str


# ── documents ─────────────────────────────────────────────────────────────────────────────────


class Page(Data):
    """A part of a document that can be pointed at: `locator` is 'p. 12', '§ 3.1', ..."""

    locator: Identifier
    text: str


class DocumentSubmitted(Data):
    """A document, whole or in pages; `deleted` removes it.

    `groups` says who may see it: absent, everyone of the tenant; empty, nobody.
    """

    document_id: Identifier
    title: str = ""
    text: str | None = None
    pages: tuple[Page, ...] | None = None
    groups: tuple[Identifier, ...] | None = None
    metadata: dict[str, str] = {}
    deleted: bool = False


class Passage(Data):
    """A piece of a document that is retrieved, read and quoted as one.

    `id` is unique in a document. `document_id` with `locator` is what a citation names.
    """

    id: str
    document_id: str
    title: str = ""
    locator: str
    text: str


class DocumentAccepted(Data):
    """A document as it is indexed: the whole of its newest state. Replaces any earlier one."""

    document_id: str
    tenant: str
    title: str = ""
    groups: tuple[str, ...] = (EVERYONE,)
    metadata: dict[str, str] = {}
    passages: tuple[Passage, ...] = ()
    deleted: bool = False


class DocumentRejected(Data):
    """A document that was not accepted. `message` tells the sender what to change."""

    document_id: str | None
    code: str
    message: str
    field: str | None = None


# ── feedback ──────────────────────────────────────────────────────────────────────────────────


class FeedbackSubmitted(Data):
    """What a person thought of a result."""

    request_id: Identifier
    request_source: str | None = None
    rating: Literal["helpful", "unhelpful", "wrong"]
    comment: Annotated[str, StringConstraints(max_length=8_000)] = ""


class FeedbackAccepted(FeedbackSubmitted):
    """Feedback that was validated."""

    tenant: str


class FeedbackRejected(Data):
    """Feedback that was not accepted. `message` tells the sender what to change."""

    request_id: str | None
    code: str
    message: str
    field: str | None = None


# ── answers ───────────────────────────────────────────────────────────────────────────────────


class Citation(Data):
    """Where a part of an answer comes from: a verbatim quote of a passage."""

    document_id: str
    locator: str
    quote: str


class Answer(Data):
    """What is said to the asker, and what it rests on."""

    text: str
    citations: tuple[Citation, ...] = ()


class Usage(Data):
    """What making the answer took. `cost_usd` is in US dollars."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class AnswerDrafted(Data):
    """An answer before any check; `answer` is None when nothing was found that answers.

    `attempt` counts from 1; `passages` is everything that the generator was shown.
    """

    request: RequestAccepted
    attempt: int = 1
    answer: Answer | None
    passages: tuple[Passage, ...] = ()
    usage: Usage


class Verdict(Data):
    """What one check says. `could_not_check` is neither good nor bad: a person decides."""

    name: str
    verdict: Literal["passed", "failed", "could_not_check"]
    score: Probability
    reason: str


class Confidence(Data):
    """How sure the checks are that the answer is supported, and what the release asks for."""

    probability: Probability
    threshold: Probability


class AnswerChecked(AnswerDrafted):
    """A draft with its verdicts, on its way to approval or to a fallback. `reason` says why."""

    checks: tuple[Verdict, ...]
    confidence: Confidence
    reason: str


class ReviewDecided(Data):
    """What a person decided on an answer. `answer` is what they let out, None on rejection."""

    item: AnswerChecked
    decision: Literal["approved", "edited", "rejected"]
    answer: Answer | None
    reviewer: str
    reason: str = ""
    decided_at: datetime


class Receipt(Data):
    """Where the decision stands in the audit log: entry `index` of log `origin`.

    `size` is the size of the log when the entry was durable.
    """

    origin: str
    index: int
    size: int


class Result(Data):
    """What leaves the pipeline: exactly one for each accepted request."""

    request_id: str
    request_source: str
    outcome: Literal["answered", "answered_by_person", "refused"]
    answer: Answer | None
    confidence: Confidence
    checks: tuple[Verdict, ...]
    reason: str | None = None
    release: str
    usage: Usage
    receipt: Receipt


# ── releases ──────────────────────────────────────────────────────────────────────────────────


class ReleaseRegistered(Data):
    """A release manifest under its content hash."""

    release: str
    manifest: Release
