"""The queue as the topics meet it: what comes to wait, and what was decided elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.review.item import Arrival
from shared.events import AnswerChecked, ReviewDecided, SubjectErased, Verdict
from shared.release import ReviewRules


class Arrivals(Protocol):
    """Takes what comes. Every method may be told the same again, and does nothing then."""

    async def put(self, arrival: Arrival, checked: AnswerChecked, rules: ReviewRules) -> bool:
        """Have an answer wait. Of one request one item waits, the newest; say whether it is new.

        A decided request stays so. One that was sent back is open again with its next attempt. A
        record that says something else of an attempt that waits replaces it, which ends the claim.
        """

    async def close(self, arrival: Arrival, decided: ReviewDecided, rules: ReviewRules) -> None:
        """Take note of a record of `reviews.decided`: the first one of a request counts.

        What was decided here and not published by then is withdrawn.
        """

    async def sent_back(self, checked: AnswerChecked) -> None:
        """Take note that another answer was asked for."""

    async def erase(self, erased: SubjectErased, at: datetime) -> int:
        """Forget the content of all that a person asked by then; return how many items had any.

        Of what comes later and was asked by then, too. An item that is not decided is refused, and
        so is one whose decision can still be withdrawn.
        """

    async def checked(self, proposal: str, verdicts: Sequence[Verdict]) -> None:
        """Keep what the checks say of an edit."""
