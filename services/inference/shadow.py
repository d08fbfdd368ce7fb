"""A release in shadow: it is run on copies of requests, and whatever happens to one is an outcome.

Nothing here may hold up those who wait for an answer: a copy that is too old is dropped, one that
takes too long is given up, and one that fails is a draft that says so. None is tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from shared.events import AnswerChecked, AnswerDrafted, Referral, RequestAccepted, Usage
from shared.metrics import SHADOWS_DROPPED, SHADOWS_FAILED, Metrics
from shared.release import SHORT

FAILED: Final = "shadow_failed"
"""Code of the referral of a copy that could not be answered."""
WITHIN_SECONDS: Final = 120.0
"""Time that one copy may take."""

_log: Final = structlog.get_logger(__name__)

Drafting = Callable[[RequestAccepted, AnswerChecked | None], Awaitable[AnswerDrafted]]
"""What answers a request, or tries once more after an answer that was rejected."""


class Shadows:
    """Runs copies by `drafting`. Those of requests older than `max_age` are dropped and counted."""

    def __init__(
        self, drafting: Drafting, max_age: timedelta, *, seconds: float = WITHIN_SECONDS
    ) -> None:
        self._drafting = drafting
        self._max_age = max_age
        self._seconds = seconds
        self._metrics = Metrics()

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self._metrics = metrics

    async def first(self, request: RequestAccepted) -> AnswerDrafted | None:
        """Return what the release makes of a copy; None where it came too late."""
        if datetime.now(UTC) - request.received_at > self._max_age:
            self._metrics.count(SHADOWS_DROPPED, request.release[:SHORT])
            return None
        return await self._run(request, None)

    async def again(self, checked: AnswerChecked) -> AnswerDrafted:
        """Return the second try of an answer that failed a check."""
        return await self._run(checked.request, checked)

    async def _run(self, request: RequestAccepted, earlier: AnswerChecked | None) -> AnswerDrafted:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._drafting(request, earlier)
        except Exception as error:  # noqa: BLE001 - of a copy, every failure is an outcome
            kind = type(error).__name__  # the error's own text can hold the question
            _log.warning("shadow_failed", release=request.release, error=kind)
            self._metrics.count(SHADOWS_FAILED, request.release[:SHORT], kind)
            return AnswerDrafted(
                request=request,
                attempt=earlier.attempt + 1 if earlier else 1,
                answer=None,
                usage=earlier.usage if earlier else Usage(model="none"),
                referral=Referral(to="review", code=FAILED, reason=f"it failed ({kind})"),
            )
