"""The data of each event, as the contract between the services and with the outside.

A model only ever gains optional fields; anything else is a new topic version. Reading is
tolerant (an unknown field is ignored), so that an older service understands a newer one.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from shared.release import Release

QUESTION_MAX_CHARACTERS: Final = 8_000
EVERYONE: Final = "*"
"""The group that every principal of a tenant is in."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Probability = Annotated[float, Field(ge=0, le=1)]


# pydantic copies a default that can be changed, deeply, for every event that does without: 2 µs
_EMPTY: Final[dict[str, Any]] = Field(default_factory=dict, json_schema_extra={"default": {}})


class Data(BaseModel):
    """Base of every event's data: immutable once read."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


# ── requests ──────────────────────────────────────────────────────────────────────────────────


class InlinePassage(Data):
    """Grounding that the sender brings along, beside what retrieval finds."""

    id: Identifier
    """What a citation of it names."""
    text: Annotated[str, StringConstraints(min_length=1)]
    """What it says."""


class Principal(Data):
    """On whose behalf the question is asked; decides which documents may be read."""

    id: Identifier
    """Who asks, as the sender knows them."""
    groups: tuple[Identifier, ...] = ()
    """Documents of these groups may be read, beside what everyone of the tenant may read."""


class RequestSubmitted(Data):
    """A question, as an enterprise system sends it. `question` is all that is needed."""

    question: Annotated[str, StringConstraints(min_length=1, max_length=QUESTION_MAX_CHARACTERS)]
    """What is asked, in plain words."""
    passages: tuple[InlinePassage, ...] = ()
    """Grounding that comes with the question."""
    principal: Principal | None = None
    """Absent: only what everyone of the tenant may read is read."""
    metadata: dict[str, str] = _EMPTY
    """The sender's own notes; carried, not read."""
    deadline: AwareDatetime | None = None
    """After this time nobody needs the answer."""


class Screened(Data):
    """Why a text looks like an attack on the model. It may still be harmless."""

    score: Probability
    """From 0 to 1; no calibrated probability."""
    reasons: tuple[str, ...]
    """Each in a few words."""


class RequestAccepted(Data):
    """A question that was validated, normalised, and pinned to a release.

    A request is known by the pair (`request_source`, `request_id`): the CloudEvents source and
    id it came with. `unknown_fields` holds what the sender sent beyond the contract; it is kept
    for the record and nothing reads it.
    """

    request_id: str
    """The CloudEvents id of the submitted event."""
    request_source: str
    """The CloudEvents source of the submitted event."""
    tenant: str
    """Whose documents may be read."""
    question: str
    """Normalised: Unicode NFC, line ends as line feeds."""
    passages: tuple[InlinePassage, ...] = ()
    principal: Principal | None = None
    metadata: dict[str, str] = _EMPTY
    deadline: AwareDatetime | None = None
    received_at: datetime
    """When the brokers had the submitted record."""
    release: str
    """Content hash of the release that answers it."""
    unknown_fields: dict[str, JsonValue] = _EMPTY
    """What was sent beyond the contract."""
    screening: Screened | None = None
    """Set where the question looks like an attack on the model: its answer goes to a person."""


class ShadowRequested(RequestAccepted):
    """A copy of an accepted request, pinned to a release in shadow, which never answers it.

    It has no deadline, for nobody waits.
    """


class RequestRejected(Data):
    """A question that was not accepted. `message` tells the sender what to change."""

    request_id: str
    """The CloudEvents id of the submitted event."""
    request_source: str
    """The CloudEvents source of the submitted event."""
    code: str
    """Why, for machines."""
    message: str
    """What to change, for people. It does not repeat what was sent."""
    field: str | None = None
    """Where it is wrong, if it is in one place."""
    received_at: AwareDatetime | None = None
    """When Kafka took the request."""


class RequestDuplicated(Data):
    """A second record of a request that already has, or will have, its end."""

    request_id: str
    request_source: str


# ── documents ─────────────────────────────────────────────────────────────────────────────────


class Page(Data):
    """A part of a document that can be pointed at: `locator` is 'p. 12', '§ 3.1', ..."""

    locator: Identifier
    """Where it is in the document, as people say it."""
    text: str
    """What it says."""


class DocumentSubmitted(Data):
    """A document, whole or in pages; `deleted` removes it.

    `groups` says who may see it: absent, everyone of the tenant; empty, nobody.
    """

    document_id: Identifier
    """A later document of the same id replaces this one."""
    title: str = ""
    """What people call it."""
    text: str | None = None
    """The whole of it; or send `pages`."""
    pages: tuple[Page, ...] | None = None
    """Its parts; or send `text`."""
    groups: tuple[Identifier, ...] | None = None
    """Who may see it. Absent: everyone of the tenant. Empty: nobody."""
    metadata: dict[str, str] = _EMPTY
    """The sender's own notes; carried, not read."""
    version: Identifier | None = None
    """Which state of the document it is, as people say it. Absent: a hash of what it says."""
    valid_from: AwareDatetime | None = None
    """Before this time nothing of it is found, nor of the state that it has replaced."""
    deleted: bool = False
    """True removes the document; then nothing but its id is needed."""


class Passage(Data):
    """A piece of a document that is retrieved, read and quoted as one.

    `id` is unique in a document. `document_id` with `locator` is what a citation names.
    """

    id: str
    """Unique in its document."""
    document_id: str
    title: str = ""
    locator: str
    """Where it is in the document, as people say it."""
    text: str
    """What it says, verbatim."""
    version: str | None = None
    """Which state of the document it is from."""
    valid_from: AwareDatetime | None = None
    """Found from then on."""


class DocumentAccepted(Data):
    """A document as it is indexed: the whole of its newest state. Replaces any earlier one."""

    document_id: str
    tenant: str
    title: str = ""
    groups: tuple[str, ...] = (EVERYONE,)
    metadata: dict[str, str] = _EMPTY
    passages: tuple[Passage, ...] = ()
    version: str | None = None
    """As its sender says it, else `sha256:` and the first 16 digits of a hash of what it says."""
    valid_from: AwareDatetime | None = None
    """Before this time nothing of it is found."""
    deleted: bool = False


class DocumentRejected(Data):
    """A document that was not accepted. `message` tells the sender what to change."""

    document_id: str | None
    """Absent when the document had no readable id."""
    code: str
    """Why, for machines."""
    message: str
    """What to change, for people. It does not repeat what was sent."""
    field: str | None = None
    """Where it is wrong, if it is in one place."""


# ── feedback ──────────────────────────────────────────────────────────────────────────────────


class FeedbackSubmitted(Data):
    """What a person thought of a result."""

    request_id: Identifier
    """The request whose result this is about."""
    request_source: str | None = None
    """Its CloudEvents source, where ids of several senders could be alike."""
    rating: Literal["helpful", "unhelpful", "wrong"]
    """`wrong`: it misleads. `unhelpful`: it is no use."""
    comment: Annotated[str, StringConstraints(max_length=8_000)] = ""
    """The person's own words."""


class FeedbackAccepted(FeedbackSubmitted):
    """Feedback that was validated."""

    tenant: str
    decision: Literal["approved", "edited", "rejected", "sent_back"] | None = None
    """What a reviewer decided on the answer, where this is a reviewer's."""
    checks: tuple["Verdict", ...] = ()
    """What the checks had said of it: beside the decision, what a calibration learns from."""
    confidence: "Confidence | None" = None
    """How sure they were of it."""


class FeedbackRejected(Data):
    """Feedback that was not accepted. `message` tells the sender what to change."""

    request_id: str | None
    """Absent when the feedback had no readable one."""
    code: str
    """Why, for machines."""
    message: str
    """What to change, for people. It does not repeat what was sent."""
    field: str | None = None
    """Where it is wrong, if it is in one place."""


# ── answers ───────────────────────────────────────────────────────────────────────────────────


class Citation(Data):
    """Where a part of an answer comes from: a verbatim quote of a passage."""

    document_id: str
    """Which document."""
    locator: str
    """Where in the document."""
    quote: str
    """Stands there, word for word."""


class Answer(Data):
    """What is said to the asker, and what it rests on."""

    text: str
    """What is said."""
    citations: tuple[Citation, ...] = ()
    """What it rests on."""


class Usage(Data):
    """What making the answer took. `cost_usd` is in US dollars."""

    model: str
    """Which model wrote it; `extractive-1` is none."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """In US dollars. With the tokens, the sum of every call that was made for the request."""


class ModelCall(Data):
    """One call of a model, whatever came of it."""

    model: str
    """As the release names it: `provider:model`."""
    outcome: str
    """`answered`, or the code of what went wrong."""
    input_tokens: int = 0
    output_tokens: int = 0
    is_estimate: bool = False
    """The provider told no tokens: a quarter of the characters is taken for them."""
    cost_usd: float = 0.0
    """In US dollars; what a call that failed may have cost counts, too."""
    seconds: float = 0.0
    """From the call to its outcome, waiting for a place included."""


class Claim(Data):
    """A statement of the answer, and what it rests on."""

    text: str
    """As it stands in the answer's text."""
    citations: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Which of the answer's citations, counted from 0."""


class Referral(Data):
    """Why nobody has answered, and where the request is to go therefore."""

    to: Literal["review", "refusal"]
    """`review`: to a person. `refusal`: back to the asker, with the reason."""
    code: str
    """Why, for machines: `content_filtered`, `over_budget`, `deadline`, `models_failed`."""
    reason: str
    """Why, in a sentence."""


class AnswerDrafted(Data):
    """An answer before any check; `answer` is None when nothing was found that answers.

    `attempt` counts from 1; `passages` is everything that the generator was shown.
    """

    request: RequestAccepted
    attempt: int = 1
    """Counts from 1."""
    answer: Answer | None
    """Null when nothing was found that answers."""
    passages: tuple[Passage, ...] = ()
    """Everything that the generator was shown."""
    usage: Usage
    claims: tuple[Claim, ...] = ()
    """The answer claim by claim, where a model gave it so."""
    repairs: tuple[str, ...] = ()
    """What had to be put right in what a model gave, in a sentence each."""
    calls: tuple[ModelCall, ...] = ()
    """Every call of a model in this attempt, in the order of their outcomes."""
    referral: Referral | None = None
    """There is no answer, for a reason that lies not in the documents."""
    degraded: tuple[str, ...] = ()
    """What the passages had to be found without, and why: `embedder: unavailable`."""


class Span(Data):
    """A stretch of the answer's text that a verdict speaks of, in characters."""

    start: Annotated[int, Field(ge=0)]
    """Its first character, counted from 0."""
    end: Annotated[int, Field(ge=0)]
    """The character after its last."""


class Compared(Data):
    """Where in a passage a check found what it held a figure of the answer against."""

    figure: str
    """The figure, as the answer writes it."""
    document_id: str
    locator: str
    start: Annotated[int, Field(ge=0)]
    """Its first character in the passage's text, counted from 0."""
    end: Annotated[int, Field(ge=0)]
    """The character after its last."""
    text: str
    """What stands there."""


class Verdict(Data):
    """What one check says. `could_not_check` is neither good nor bad: a person decides."""

    name: str
    """Which check."""
    verdict: Literal["passed", "failed", "could_not_check"]
    """`could_not_check` is neither good nor bad: a person decides."""
    score: Probability
    """1 is best."""
    reason: str
    """In a sentence."""
    spans: tuple[Span, ...] = ()
    """The parts of the answer's text that it is about; none where it is about all of it."""
    compared: tuple[Compared, ...] = ()
    """What in the passages it held the answer's figures against, where it is one place."""


class Confidence(Data):
    """How sure the checks are that the answer is supported, and what the release asks for."""

    probability: Probability
    """That the answer is supported."""
    threshold: Probability
    """What the release asks for."""
    about: Literal["answer", "draft"] = "answer"
    """`draft`: a person has since put another text in its place, which nothing has rated."""


class SentBack(Data):
    """A person asked for another answer."""

    reviewer: str
    """Who."""
    note: str
    """What the next answer should do better, in their words."""
    decided_at: datetime


class AnswerChecked(AnswerDrafted):
    """A draft with its verdicts, on its way to approval or to a fallback. `reason` says why."""

    checks: tuple[Verdict, ...]
    """What each check says."""
    shadow_checks: tuple[Verdict, ...] = ()
    """What each check says that is on trial: it is recorded and decides nothing."""
    confidence: Confidence
    reason: str
    """Why it goes where it goes."""
    sent_back: SentBack | None = None
    """Set where a person, and no check, asks for another answer."""


class ReviewOpinion(Data):
    """One of several people's word on an answer, each given without knowing the other's."""

    reviewer: str
    decision: Literal["approved", "edited", "rejected"]
    answer: Answer | None = None
    """What they would let out."""
    reason: str = ""
    decided_at: datetime


class ShadowChecked(AnswerChecked):
    """What a release in shadow made of a request, and which way it would have gone."""

    route: Literal["approved", "regenerate", "review", "refusal"]
    """`regenerate`: a second try follows. The others are the end of the copy."""


class ReviewDecided(Data):
    """What a person decided on an answer. `answer` is what they let out, None on rejection."""

    item: AnswerChecked
    """What was decided on."""
    decision: Literal["approved", "edited", "rejected"]
    answer: Answer | None
    """What the person let out; null on rejection."""
    reviewer: str
    """Who decided."""
    reason: str = ""
    """In their own words."""
    decided_at: datetime
    payload: str | None = None
    """SHA-256, in hex, of the data of the `fallback.review` event that was displayed."""
    reason_code: str | None = None
    """Which of the release's reasons, on rejection."""
    diff: str | None = None
    """From the draft's text to the edited one, as a unified diff."""
    checks: tuple[Verdict, ...] | None = None
    """What the validator's checks say of the edited answer."""
    opinions: tuple[ReviewOpinion, ...] | None = None
    """Everybody's word, where more than one person decided."""
    seconds: float | None = None
    """From claiming the item to deciding."""


class EditProposed(AnswerDrafted):
    """An answer that a reviewer has edited, on its way to the checks before it may be let out."""

    proposal: str
    """The edit's id."""
    editor: str
    """Who wrote it."""


class EditChecked(Data):
    """What the checks say of an edited answer."""

    proposal: str
    """The edit's id."""
    request_id: str
    request_source: str
    checks: tuple[Verdict, ...]
    confidence: Confidence


class ReviewEscalated(Data):
    """An answer waits for a person, and its time is running out or over."""

    request_id: str
    request_source: str
    tenant: str
    level: Literal["due_soon", "overdue"]
    """`due_soon`: a quarter of its time is left. `overdue`: none is."""
    risk: Literal["low", "normal", "high"]
    since: AwareDatetime
    """When it came."""
    due: AwareDatetime
    """When it should be decided."""
    holder: str | None = None
    """Who has claimed it, if anybody has."""


class Receipt(Data):
    """Where the decision stands in the audit log: entry `index` of log `origin`.

    `size` is the size of the log when the entry was durable.
    """

    origin: str
    """The audit log, one for each partition number."""
    index: int
    """Which entry of the log."""
    size: int
    """Entries in the log when this one was durable."""


class Result(Data):
    """What leaves the pipeline: exactly one for each accepted request."""

    request_id: str
    """The CloudEvents id of the submitted event."""
    request_source: str
    """The CloudEvents source of the submitted event."""
    outcome: Literal["answered", "answered_by_person", "refused"]
    """How the request ended."""
    answer: Answer | None
    """Null when refused."""
    confidence: Confidence
    checks: tuple[Verdict, ...]
    reason: str | None = None
    """Why it was refused, or what let the answer out without a person."""
    release: str
    """Content hash of the release that answered."""
    usage: Usage
    receipt: Receipt
    """Where the decision stands in the audit log."""


# ── operations ────────────────────────────────────────────────────────────────────────────────


class OffsetRange(Data):
    """Records of one partition, both ends included."""

    first: int
    last: int


class Operation(Data):
    """What a person did to records by hand: who, what, why, and to which."""

    operator: str
    """Who did it, by the name they gave or that of their machine's user."""
    action: str
    """`dlq.redrive`: dead letters went back to their source topics, in the same transaction as
    this event. `dlq.reveal`: the content of records was about to be shown. `release.create`,
    `release.promote`, `release.rollback`, `release.canary`, `release.canary_off`,
    `release.shadow`, `release.shadow_off`: in the same transaction as this event."""
    reason: str = ""
    """In their own words."""
    selection: str = ""
    """How the records were chosen, as it was typed."""
    topic: str
    """Topic of the records, without the deployment's prefix; the partition is this event's own."""
    offsets: tuple[OffsetRange, ...]
    """The records."""


class SubjectErased(Data):
    """A person is erased: who keeps their content in the clear forgets what came before this.

    The event is the tenant's own, and names no subject of its own.
    """

    tenant: str
    """Whose person."""
    subject: str
    """The person, as `ce_subject` of their events said."""


# ── accesses ──────────────────────────────────────────────────────────────────────────────────


class SeenItem(Data):
    """A request whose content somebody saw."""

    request_source: str
    request_id: str
    tenant: str


class ReviewAccessed(Data):
    """Somebody saw what waits for a person, or was refused it. It holds nothing of the content."""

    who: str
    """Their name, as signing in established it; empty for nobody who is known."""
    roles: tuple[str, ...] = ()
    action: str
    """`signed_in`, `signed_out`, `queue.listed`, `item.viewed`, `similar.viewed`, `refused`; and
    `item.erased`, where the queue itself forgot an item's content."""
    items: tuple[SeenItem, ...] = ()
    """What they saw."""
    code: str = ""
    """Why they were refused, for machines."""
    path: str = ""
    """What was asked for, where it was refused; else the ids of similar items that were seen."""
    at: datetime
    """When."""


# ── releases ──────────────────────────────────────────────────────────────────────────────────


class ReleaseRegistered(Data):
    """A release manifest under its content hash."""

    release: str
    """SHA-256 of the canonical manifest (RFC 8785), in hex."""
    manifest: Release


Percent = Annotated[float, Field(gt=0, le=100)]


class Canary(Data):
    """A release that answers a share of the conversations."""

    release: str
    """Its content hash."""
    percent: Percent
    """Share of the conversations; which ones is decided by a hash, so that each keeps its side."""
    since: AwareDatetime
    """When it became the canary. A change of its share does not change it."""


class Shadow(Data):
    """A release that is run on copies of requests and never answers."""

    release: str
    """Its content hash."""
    percent: Percent = 100
    """Share of the conversations of which copies are made."""
    since: AwareDatetime
    """When it became the shadow. A change of its share does not change it."""


class RoutingChanged(Data):
    """Which releases requests are pinned to from now on: the whole of it, not what changed."""

    revision: Annotated[int, Field(ge=0)]
    """Counts the changes."""
    promoted: str | None = None
    """Content hash of the release that answers what no canary does. Null: each ingest's own
    GLIDESLOPE_RELEASE."""
    earlier: tuple[str | None, ...] = ()
    """What was promoted before, the last first: where a rollback leads to."""
    canary: Canary | None = None
    """Null: there is none."""
    shadow: Shadow | None = None
    """Null: there is none."""
    operator: str
    """Who changed it."""
    action: str
    """What they did; as in `operations`."""
    reason: str = ""
    """In their own words."""
    changed_at: AwareDatetime
