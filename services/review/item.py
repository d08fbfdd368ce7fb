"""An answer that waits for a person: what is shown, how urgent it is, and who has it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.review.claim import Claim
from shared.cloudevents import Event, derived_id
from shared.events import AnswerChecked
from shared.release import Release, ReviewRules

STAGE: Final = "review"
_SURE: Final = 0.5
"""Supported with a probability below this, an answer is more likely wrong than right."""


class Status(StrEnum):
    """Where an item stands."""

    OPEN = "open"
    """Waits for a decision, claimed or not."""
    SENT_BACK = "sent_back"
    """A person asked for another answer, which opens it again."""
    DECIDED = "decided"
    """Over; until it is published its decision can be undone."""


class Risk(StrEnum):
    """How much is at stake if a wrong answer is let out, and so how soon a person should look."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


RISKS: Final = (Risk.LOW, Risk.NORMAL, Risk.HIGH)
"""In rising order."""


class Alarm(StrEnum):
    """How near its time an item is; SLA colours go by it."""

    NONE = "none"
    DUE_SOON = "due_soon"
    """Less than a quarter of its time is left."""
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The event that brought an item, and where its record lay: what is published derives from it.

    `at` is when the brokers had it.
    """

    event: Event
    partition: int
    offset: int
    key: bytes | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of an item."""

    id: str
    """Derived from the request's source and id: the same whenever the queue is rebuilt."""
    request_source: str
    request_id: str
    tenant: str
    question: str
    reason: str
    """Why it came here."""
    probability: float
    risk: Risk
    skill: str | None
    status: Status
    since: datetime
    """When it came."""
    due: datetime
    """When it should be decided: its asker's deadline, or its risk's time, whichever is first."""
    alarm: Alarm
    claim: Claim | None = None
    """Who has it now; None when nobody, or when the lease has run out."""
    assigned_to: str | None = None
    """To whom it was handed over: nobody else but a lead claims it."""
    snoozed_until: datetime | None = None
    four_eyes: bool = False
    """Two people must decide."""
    opinions: int = 0
    """How many have given their word, and it was not the last."""
    disputed: bool = False
    """Two people differ, and a lead who is neither decides."""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Item:
    """All of an item. `payload` is the hash of what is displayed (see `payload_hash`)."""

    summary: Summary
    checked: AnswerChecked
    payload: str
    rules: ReviewRules = field(default_factory=ReviewRules)

    @property
    def id(self) -> str:
        """The item's id."""
        return self.summary.id


def item_id(source: str, request_id: str) -> str:
    """Return the id of a request's item."""
    return derived_id(source, request_id, STAGE)


def payload_hash(data: bytes) -> str:
    """Return the SHA-256, in hex, of the data of the event that brought an item.

    A decision names it, so that it holds for what the person saw and for nothing else; and whoever
    has the audit log can compute it again from the record there.
    """
    return hashlib.sha256(data).hexdigest()


def risk_of(checked: AnswerChecked) -> Risk:
    """Return how much is at stake.

    High: the question looks like an attack, or two checks failed. Low: none failed, and the answer
    is more likely supported than not. Normal: all others.
    """
    failed = sum(check.verdict == "failed" for check in checked.checks)
    if checked.request.screening is not None or failed > 1:
        return Risk.HIGH
    if failed == 0 and checked.confidence.probability >= _SURE:
        return Risk.LOW
    return Risk.NORMAL


def due_at(
    checked: AnswerChecked, since: datetime, within: Mapping[Risk, timedelta], rules: ReviewRules
) -> datetime:
    """Return when an item should be decided, at the latest.

    The release's own time counts before that of the item's risk, the asker's deadline before both
    where it is earlier.
    """
    time = (
        within[risk_of(checked)]
        if rules.within_seconds is None
        else timedelta(seconds=rules.within_seconds)
    )
    due = since + time
    deadline = checked.request.deadline
    return due if deadline is None else min(due, max(deadline, since))


def soon_at(since: datetime, due: datetime) -> datetime:
    """Return from when on an item is due soon: the last quarter of its time."""
    return due - (due - since) / 4


def rules_of(release: Release) -> ReviewRules:
    """Return what a release asks of reviews; nothing, if it does not say."""
    return release.review or ReviewRules()
