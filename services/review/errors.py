"""What can be in the way of a reviewer. Each message says what to do next.

ReviewError
├── UnknownItemError      no such item, or none of this person's tenants
├── NotAllowedError       their roles or skills do not allow it
├── HeldError             somebody else has it
├── NotHeldError          the claim is over: another has it, or the lease ran out
├── NotOpenError          it is decided, or was sent back
├── ChangedError          what was displayed is not what waits now
├── UncheckedError        the edited answer has not been checked, or fails
├── UnfitDecisionError    the decision lacks something, or says what the release does not
└── PublishedError        it is too late to undo
"""

from datetime import datetime


class ReviewError(Exception):
    """A reviewer's wish cannot be met as it stands."""

    code = "refused"


class UnknownItemError(ReviewError):
    """No item of this id, or none that this person may see: they are told the same."""

    code = "unknown"

    def __init__(self, item_id: str) -> None:
        super().__init__(f"no item {item_id!r}: go back to the queue")


class NotAllowedError(ReviewError):
    """What the person is does not allow it."""

    code = "not_allowed"


class HeldError(ReviewError):
    """Somebody else has the item."""

    code = "held"

    def __init__(self, holder: str, until: datetime | None) -> None:
        self.holder = holder
        self.until = until
        when = "" if until is None else f" until {until:%H:%M:%S} UTC, unless they go on"
        super().__init__(f"{holder} has this item{when}: take another one")


class NotHeldError(ReviewError):
    """The claim that a person acts under is over."""

    code = "not_held"

    def __init__(self, holder: str | None) -> None:
        self.holder = holder
        who = f"{holder} has it now" if holder else "the time to decide ran out"
        super().__init__(f"you do not have this item any more ({who}): claim it again")


class NotOpenError(ReviewError):
    """The item does not wait any more."""

    code = "not_open"

    def __init__(self, what: str) -> None:
        super().__init__(f"this item is {what}: nothing to do")


class ChangedError(ReviewError):
    """The item was replaced after it was displayed."""

    code = "changed"

    def __init__(self) -> None:
        super().__init__("the item has changed since it was shown to you: look at it again")


class UncheckedError(ReviewError):
    """The edited answer is not fit to be let out yet."""

    code = "unchecked"


class UnfitDecisionError(ReviewError):
    """The decision is not complete, or not one that this item takes."""

    code = "unfit"


class PublishedError(ReviewError):
    """The decision has left, or is leaving."""

    code = "published"

    def __init__(self) -> None:
        super().__init__("the decision has been published and cannot be undone")
