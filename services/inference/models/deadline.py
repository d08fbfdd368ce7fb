"""What an asker's deadline leaves for a model."""

from datetime import UTC, datetime

from services.inference.models.errors import DeadlineError
from shared.events import RequestAccepted


def time_for(request: RequestAccepted, seconds: float, *, share: float) -> float:
    """Return the seconds that a call may take: at the most so many, or `share` of what is left.

    Raises `DeadlineError`.
    """
    if request.deadline is None:
        return seconds
    left = (request.deadline - datetime.now(UTC)).total_seconds()
    if left <= 0:
        raise DeadlineError("the asker's deadline has passed")
    return min(seconds, left * share)
