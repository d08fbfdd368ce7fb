"""The last decision of a person, for as long as they can take it back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request

from services.review.decision import Decision
from services.review.web import current
from services.review.web.session import Session

_NAME: Final = "undo"


@dataclass(frozen=True, slots=True)
class Offer:
    """A decision that can be undone `until` then."""

    item_id: str
    decision_id: str
    what: str
    until: datetime


def offer(request: Request, decision: Decision) -> None:
    """Offer to undo a decision, on whatever page the person sees next."""
    if decision.publish_at is None:
        return
    kept = {
        "item_id": decision.item_id,
        "decision_id": decision.id,
        "what": decision.opinion.kind.value.replace("_", " "),
        "until": decision.publish_at.isoformat(),
    }
    current.remember(request, _NAME, kept)


def withdraw(request: Request) -> None:
    """Offer it no more."""
    current.remember(request, _NAME, None)


def offered(session: Session) -> Offer | None:
    """Return the decision that can still be undone."""
    kept = session.data.get(_NAME)
    if kept is None:
        return None
    until = datetime.fromisoformat(kept["until"])
    if until <= datetime.now(UTC):
        return None
    return Offer(kept["item_id"], kept["decision_id"], kept["what"], until)
