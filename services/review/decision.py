"""What a person decides on an item, and what becomes of it."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from shared.events import Answer, Verdict

ATTEMPTS_MAX: Final = 5
"""Answers to one question; after that a person writes one, or rejects it."""
TEXT_MAX: Final = 100_000
"""Characters of an edited answer."""


class Kind(StrEnum):
    """The four decisions."""

    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    SENT_BACK = "sent_back"
    """Ask for another answer, with a note."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person has chosen to do, about the `payload` that was displayed to them.

    `token` is that of their claim. `proposal` is the id of the checked edit that is let out
    (EDITED), and `accepts` names the checks that it fails and that they let it out in spite of.
    `reason` is one of the release's list where it has one, `note` their own words: to
    the asker on REJECTED, to the model on SENT_BACK.
    """

    kind: Kind
    payload: str
    token: int
    proposal: str | None = None
    accepts: tuple[str, ...] = ()
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One person's judgement of an item, as it is kept."""

    id: str
    reviewer: str
    kind: Kind
    text: str | None
    """What they would let out."""
    reason: str
    note: str
    decided_at: datetime
    seconds: float
    """From claiming the item to deciding."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of a judgement.

    `state` is `final` when it ends the item: it is published at `publish_at`, and can be undone
    until then. `second_wanted`: four eyes, and this was the first. `disputed`: the second differs
    from the first, and a lead decides.
    """

    id: str
    item_id: str
    state: Literal["final", "second_wanted", "disputed"]
    opinion: Opinion
    publish_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edited answer, put before the validator's checks. `checks` is None until they are back."""

    id: str
    item_id: str
    author: str
    answer: Answer
    diff: str
    """From the draft's text to this one, as a unified diff."""
    made_at: datetime
    checks: tuple[Verdict, ...] | None = None

    @property
    def failing(self) -> tuple[Verdict, ...]:
        """The checks that it does not pass."""
        return tuple(each for each in self.checks or () if each.verdict == "failed")


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier item like this one, and how it was decided."""

    item_id: str
    question: str
    kind: Kind
    text: str | None
    reason: str
    reviewer: str
    decided_at: datetime
    likeness: float
    """From 0 to 1; of the questions."""


def diff(before: str, after: str) -> str:
    """Return the unified diff of two texts, line by line."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "draft", "edited", lineterm=""
    )
    return "\n".join(lines)


def agree(opinions: Sequence[Opinion]) -> bool:
    """Whether two opinions come to the same: the same kind, and the same text if it is let out."""
    first, second = opinions[-2:]
    return first.kind is second.kind and first.text == second.text
