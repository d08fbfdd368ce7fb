"""Where a decision leaves to, and what its event says of the submission in its headers."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

from pydantic import BaseModel

from services.ingest.arrival import Arrival
from shared import topics
from shared.events import RequestAccepted

WAYS: Final = (
    *(topics.REQUESTS_ACCEPTED, topics.REQUESTS_REJECTED, topics.REQUESTS_DUPLICATED),
    *(topics.DOCUMENTS_ACCEPTED, topics.DOCUMENTS_REJECTED),
    *(topics.FEEDBACK_ACCEPTED, topics.FEEDBACK_REJECTED),
    topics.SHADOWS_REQUESTED,
)
"""The topics on which a submission leaves: each kind of decision has one."""


class Publisher(Protocol):
    """Publishes events on one topic."""

    def publish(self, message: Any, /, *, key: bytes | None, headers: Any) -> Awaitable[object]:
        """Publish one event with this data."""


class Ways:
    """Publishes decisions, each kind through its own publisher."""

    def __init__(self, publishers: Mapping[type[BaseModel] | None, Publisher]) -> None:
        self._publishers = publishers

    async def publish(
        self, decision: BaseModel, arrival: Arrival, key: bytes | None = None
    ) -> None:
        """Publish a decision under the record key of what was submitted, or one of its own."""
        headers = {"ce_tenant": arrival.tenant, **pinned(decision)}
        await self._publishers[type(decision)].publish(decision, key=key, headers=headers)


def pinned(decision: BaseModel) -> dict[str, str | None]:
    """Return what every later event of an accepted request says of it in its headers.

    The delivery engine believes both: it stops retrying after the deadline, and a dead letter is
    redriven under its release. So they are ingest's to say, and what a sender wrote there goes
    no further: None.
    """
    accepted = decision if isinstance(decision, RequestAccepted) else None
    deadline = accepted.deadline if accepted else None
    return {
        "ce_release": accepted.release if accepted else None,
        "ce_deadline": deadline.isoformat() if deadline else None,
    }
