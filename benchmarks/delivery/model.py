"""What every contender does with a record: parse it with pydantic, wrap it, give it back as JSON.

Imported by each in its own interpreter, so it needs nothing but pydantic. A question that starts
with `sleep 0.25` takes that many seconds, like a model call.
"""

from datetime import UTC, datetime

from pydantic import BaseModel


class Submitted(BaseModel):
    """A question of about 600 bytes."""

    question: str
    metadata: dict[str, str] = {}


class Wrapped(BaseModel):
    """The question with what a stage adds to it."""

    request_id: str
    request_source: str
    tenant: str
    question: str
    metadata: dict[str, str]
    received_at: datetime
    release: str


def seconds_of(question: str) -> float:
    """Return how long the work on a question takes."""
    return float(question.split(maxsplit=2)[1]) if question.startswith("sleep ") else 0.0


def wrapped(submitted: Submitted) -> Wrapped:
    """Return the question as the next stage gets it."""
    return Wrapped(
        request_id="q",
        request_source="/bench",
        tenant="default",
        question=submitted.question,
        metadata=submitted.metadata,
        received_at=datetime.now(UTC),
        release="0" * 64,
    )
