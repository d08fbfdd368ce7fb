"""How a request ends: from the event that decides it to its one result."""

from dataclasses import dataclass
from typing import Final, Literal

from services.audit.entry import RequestKey
from shared.cloudevents import UnreadableError
from shared.events import Answer, AnswerChecked, Receipt, Result, ReviewDecided

NAME_AT_MOST: Final = 1_024
"""Characters of a request's id or source: its entry, which names both, has a longest form. Ingest
accepts half of it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The end of a request, before it has a receipt.

    `reason` is that of the checks, or of the person who rejected the answer.

    Raises `UnreadableError` where the request's id or source is too long for an entry.
    """

    item: AnswerChecked
    outcome: Literal["answered", "answered_by_person", "refused"]
    answer: Answer | None
    reason: str | None = None

    def __post_init__(self) -> None:
        if max(len(self.request.id), len(self.request.source)) > NAME_AT_MOST:
            raise UnreadableError(
                "bad_data",
                f"the id or the source of its request has more than {NAME_AT_MOST:,} characters: "
                "no request that ingest accepted has",
            )

    @property
    def request(self) -> RequestKey:
        """The request that ends."""
        request = self.item.request
        return RequestKey(
            request.request_source, request.request_id, request.received_at.isoformat()
        )

    def result(self, receipt: Receipt) -> Result:
        """Return the result that tells the asker, with the receipt of the deciding entry."""
        return Result(
            request_id=self.item.request.request_id,
            request_source=self.item.request.request_source,
            outcome=self.outcome,
            answer=self.answer,
            confidence=self.item.confidence,
            checks=self.item.checks,
            reason=self.reason,
            release=self.item.request.release,
            usage=self.item.usage,
            receipt=receipt,
        )


def approved(checked: AnswerChecked) -> Decision:
    """Return the answer as it is, and what let it out. Raises `UnreadableError` without one."""
    return Decision(checked, "answered", _required(checked.answer), checked.reason)


def refused(checked: AnswerChecked) -> Decision:
    """No answer is good enough, and the asker is told why."""
    return Decision(checked, "refused", None, checked.reason)


def reviewed(decided: ReviewDecided) -> Decision:
    """Return what a person decided. Raises `UnreadableError` if they approved no answer."""
    if decided.decision == "rejected":
        reason = decided.reason or "A reviewer rejected the answer and gave no reason."
        return Decision(decided.item, "refused", None, reason)
    item = decided.item
    if decided.decision == "edited":  # what was rated is another text; was this one checked?
        of_draft = item.confidence.model_copy(update={"about": "draft"})
        item = item.model_copy(update={"checks": decided.checks or (), "confidence": of_draft})
    return Decision(item, "answered_by_person", _required(decided.answer))


def _required(answer: Answer | None) -> Answer:
    if answer is None:
        raise UnreadableError("bad_data", "an approval carries the answer that it lets out")
    return answer
