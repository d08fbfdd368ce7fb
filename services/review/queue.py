"""The queue as a reviewer meets it: one port, whatever keeps it.

Every method takes who asks first, and none ever returns anything of a tenant that is not theirs:
such an item is unknown to them. Every one raises a `ReviewError` (see `errors`) that says what to
do; `NotAllowedError` where the person's roles do not allow it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.review.claim import Claim
from services.review.decision import Decision, Judgement, Opinion, Past, Proposal
from services.review.identity import Identity
from services.review.item import Alarm, Item, Risk, Status, Summary


class Order(StrEnum):
    """How a list is sorted."""

    URGENCY = "urgency"
    """The earliest due first; of two, the riskier."""
    AGE = "age"
    """The longest waiting first."""
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items a list holds. What is not set bounds nothing."""

    status: Status | None = Status.OPEN
    tenant: str | None = None
    risk: Risk | None = None
    alarm: Alarm | None = None
    skill: str | None = None
    holder: str | None = None
    """Claimed by this person now."""
    free: bool | None = None
    """True: claimed by nobody; False: by somebody."""
    text: str | None = None
    """In the question, or the request's id; upper and lower case are alike."""
    snoozed: bool = False
    """True: those that are put off, and no others."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, and how many the whole of it holds."""

    items: Sequence[Summary]
    total: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items wait, in the tenants of who asks."""

    open: int = 0
    free: int = 0
    mine: int = 0
    snoozed: int = 0
    due_soon: int = 0
    overdue: int = 0
    by_tenant: Mapping[str, int] = field(default_factory=dict)
    by_risk: Mapping[Risk, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an item's history. `what` is a short verb phrase, `note` in a person's words."""

    at: datetime
    who: str
    what: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of several items that are rejected at once: which, and what was displayed of it."""

    item_id: str
    payload: str


class Reviews(Protocol):
    """What reviewers do with the queue."""

    async def page(
        self,
        who: Identity,
        wanted: Filter = Filter(),
        *,
        order: Order = Order.URGENCY,
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Return part of the items that match, sorted."""

    async def counts(self, who: Identity) -> Counts:
        """Return how many wait; operators may ask, too."""

    async def mark(self) -> str:
        """Return a mark that is another one after anything was done with an item. It costs little.

        That a time has come, as the end of a lease, changes nothing of it.
        """

    async def get(self, who: Identity, item_id: str) -> Item:
        """Return an item whole."""

    async def history(self, who: Identity, item_id: str) -> Sequence[Happening]:
        """Return what happened to an item, the oldest first."""

    async def opinions(self, who: Identity, item_id: str) -> Sequence[Opinion]:
        """Return how people judged it so far, the oldest first.

        A four-eyes item's first opinion is kept from everybody who may still give the second.
        """

    async def similar(self, who: Identity, item_id: str, *, limit: int = 5) -> Sequence[Past]:
        """Return decided items of the same tenant whose questions are most like this one's."""

    async def claim(self, who: Identity, item_id: str) -> Claim:
        """Take an item; one's own again is the same claim, renewed.

        Raises `HeldError` (with who has it), `NotOpenError`, `NotAllowedError` (skill; handed to
        another; the second of four eyes is to be somebody else).
        """

    async def claim_next(self, who: Identity, wanted: Filter = Filter()) -> Item | None:
        """Take the most urgent item that is free and for this person; None if there is none."""

    async def renew(self, who: Identity, item_id: str, token: int) -> Claim:
        """Keep an item for another lease. Raises `NotHeldError`."""

    async def release(self, who: Identity, item_id: str, token: int) -> None:
        """Give an item back. Raises `NotHeldError`."""

    async def hand_over(
        self, who: Identity, item_id: str, token: int, *, to: str, note: str = ""
    ) -> None:
        """Give an item to another person, who claims it. A lead does it without a claim, token 0.

        Raises `NotHeldError`.
        """

    async def snooze(
        self, who: Identity, item_id: str, token: int, *, until: datetime, note: str = ""
    ) -> None:
        """Put an item off and give it back; its due time stays. Raises `NotHeldError`."""

    async def propose(self, who: Identity, item_id: str, token: int, text: str) -> Proposal:
        """Put an edited answer before the validator's checks; the verdicts come a moment later.

        Raises `NotHeldError`, and `UnfitDecisionError` for an empty text.
        """

    async def proposal(self, who: Identity, item_id: str, proposal_id: str) -> Proposal:
        """Return an edit, with its verdicts when they are back."""

    async def decide(self, who: Identity, item_id: str, judgement: Judgement) -> Decision:
        """Take a decision, and the event that publishes it, into one database transaction.

        Raises `NotHeldError` under an old token, `ChangedError` where another payload was
        displayed, `UncheckedError` for an edit that was not checked or fails, and
        `UnfitDecisionError` for what is missing (no answer to approve, no reason, one that the
        release does not list).
        """

    async def undo(self, who: Identity, item_id: str, decision_id: str) -> Claim:
        """Take one's own decision back before it is published, and the claim with it.

        Raises `PublishedError`.
        """

    async def reject_all(
        self, who: Identity, refusals: Sequence[Refusal], *, reason: str, note: str = ""
    ) -> Mapping[str, Decision | str]:
        """Reject several items that nobody else has, each for itself: its decision, or why not.

        There is no such thing for approvals: each answer that is let out has been read.
        """
