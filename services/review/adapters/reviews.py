"""`Reviews` over a database."""

from services.review.adapters.deciding import Deciding


class SqlReviews(Deciding):
    """Implements `services.review.queue.Reviews`: reads, claims and decides, on rows."""
