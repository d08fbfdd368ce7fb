"""Who saw what: each view of personal data, and each refusal, is on the record before it is shown.

`Recorded` wraps a queue, so that no page and no API can forget it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from services.review.claim import Claim
from services.review.decision import Decision, Judgement, Opinion, Past, Proposal
from services.review.errors import NotAllowedError, UnknownItemError
from services.review.identity import Identity
from services.review.item import Item, Summary
from services.review.queue import (
    Counts,
    Filter,
    Happening,
    Order,
    Page,
    Refusal,
    Reviews,
)
from shared.events import ReviewAccessed, SeenItem
from shared.metrics import REVIEW_REFUSALS, Metrics

SIGNED_IN: Final = "signed_in"
SIGNED_OUT: Final = "signed_out"
LISTED: Final = "queue.listed"
VIEWED: Final = "item.viewed"
COMPARED: Final = "similar.viewed"
REFUSED: Final = "refused"


class AccessLog(Protocol):
    """Where accesses are put on the record."""

    async def record(self, access: ReviewAccessed) -> None:
        """Return when it is durable; whoever asked sees nothing before."""

    async def sweep(self, before: datetime) -> None:
        """Forget what was published before a time: the topic, and so the audit log, has it."""


class Counted:
    """An access log of which every refusal is counted."""

    def __init__(self, log: AccessLog) -> None:
        self.metrics = Metrics()
        """Where they are counted."""
        self._log = log

    async def record(self, access: ReviewAccessed) -> None:
        """See `AccessLog.record`."""
        if access.action == REFUSED:
            self.count(access.code)
        await self._log.record(access)

    async def sweep(self, before: datetime) -> None:
        """See `AccessLog.sweep`."""
        await self._log.sweep(before)

    def count(self, code: str) -> None:
        """Count a refusal that is not recorded: there are too many of its kind."""
        self.metrics.count(REVIEW_REFUSALS, code)


def accessed(
    who: Identity | None, action: str, seen: Iterable[Summary] = (), *, code: str = "", at: str = ""
) -> ReviewAccessed:
    """Return the event of an access now. `code` says why it was refused, `at` on which path."""
    return ReviewAccessed(
        who="" if who is None else who.name,
        roles=() if who is None else tuple(sorted(who.roles)),
        action=action,
        items=tuple(
            SeenItem(
                request_source=each.request_source, request_id=each.request_id, tenant=each.tenant
            )
            for each in seen
        ),
        code=code,
        path=at,
        at=datetime.now(UTC),
    )


@dataclass(frozen=True, slots=True)
class Whole:
    """An item with all that is shown beside it."""

    item: Item
    history: Sequence[Happening]
    opinions: Sequence[Opinion]
    similar: Sequence[Past]


class Recorded:
    """A queue of which every view is recorded, and every attempt at what is not the person's."""

    def __init__(self, reviews: Reviews, log: AccessLog) -> None:
        self._reviews = reviews
        self._log = log

    async def page(
        self,
        who: Identity,
        wanted: Filter = Filter(),  # noqa: B008 - immutable
        *,
        order: Order = Order.URGENCY,
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """See `Reviews.page`."""
        async with _Watched(self._log, who, "queue"):
            page = await self._reviews.page(who, wanted, order=order, offset=offset, limit=limit)
        if page.items:
            await self._log.record(accessed(who, LISTED, page.items))
        return page

    async def counts(self, who: Identity) -> Counts:
        """See `Reviews.counts`; no personal data is in it."""
        async with _Watched(self._log, who, "queue"):
            return await self._reviews.counts(who)

    async def mark(self) -> str:
        """See `Reviews.mark`; it tells nothing."""
        return await self._reviews.mark()

    async def get(self, who: Identity, item_id: str) -> Item:
        """See `Reviews.get`."""
        async with _Watched(self._log, who, item_id):
            item = await self._reviews.get(who, item_id)
        await self._log.record(accessed(who, VIEWED, [item.summary]))
        return item

    async def whole(self, who: Identity, item_id: str) -> Whole:
        """Return all there is to see of an item, as one view."""
        async with _Watched(self._log, who, item_id):
            whole = Whole(
                await self._reviews.get(who, item_id),
                await self._reviews.history(who, item_id),
                await self._reviews.opinions(who, item_id),
                await self._reviews.similar(who, item_id),
            )
        await self._log.record(accessed(who, VIEWED, [whole.item.summary], at=_ids(whole.similar)))
        return whole

    async def history(self, who: Identity, item_id: str) -> Sequence[Happening]:
        """See `Reviews.history`."""
        await self.get(who, item_id)
        return await self._reviews.history(who, item_id)

    async def opinions(self, who: Identity, item_id: str) -> Sequence[Opinion]:
        """See `Reviews.opinions`."""
        await self.get(who, item_id)
        return await self._reviews.opinions(who, item_id)

    async def similar(self, who: Identity, item_id: str, *, limit: int = 5) -> Sequence[Past]:
        """See `Reviews.similar`: they are questions of other people."""
        async with _Watched(self._log, who, item_id):
            found = await self._reviews.similar(who, item_id, limit=limit)
        if found:
            await self._log.record(accessed(who, COMPARED, at=_ids(found)))
        return found

    async def claim(self, who: Identity, item_id: str) -> Claim:
        """See `Reviews.claim`."""
        async with _Watched(self._log, who, item_id):
            return await self._reviews.claim(who, item_id)

    async def claim_next(
        self,
        who: Identity,
        wanted: Filter = Filter(),  # noqa: B008 - immutable
    ) -> Item | None:
        """See `Reviews.claim_next`."""
        async with _Watched(self._log, who, "queue"):
            item = await self._reviews.claim_next(who, wanted)
        if item is not None:
            await self._log.record(accessed(who, VIEWED, [item.summary]))
        return item

    async def renew(self, who: Identity, item_id: str, token: int) -> Claim:
        """See `Reviews.renew`."""
        async with _Watched(self._log, who, item_id):
            return await self._reviews.renew(who, item_id, token)

    async def release(self, who: Identity, item_id: str, token: int) -> None:
        """See `Reviews.release`."""
        async with _Watched(self._log, who, item_id):
            await self._reviews.release(who, item_id, token)

    async def hand_over(
        self, who: Identity, item_id: str, token: int, *, to: str, note: str = ""
    ) -> None:
        """See `Reviews.hand_over`."""
        async with _Watched(self._log, who, item_id):
            await self._reviews.hand_over(who, item_id, token, to=to, note=note)

    async def snooze(
        self, who: Identity, item_id: str, token: int, *, until: datetime, note: str = ""
    ) -> None:
        """See `Reviews.snooze`."""
        async with _Watched(self._log, who, item_id):
            await self._reviews.snooze(who, item_id, token, until=until, note=note)

    async def propose(self, who: Identity, item_id: str, token: int, text: str) -> Proposal:
        """See `Reviews.propose`."""
        async with _Watched(self._log, who, item_id):
            return await self._reviews.propose(who, item_id, token, text)

    async def proposal(self, who: Identity, item_id: str, proposal_id: str) -> Proposal:
        """See `Reviews.proposal`."""
        async with _Watched(self._log, who, item_id):
            return await self._reviews.proposal(who, item_id, proposal_id)

    async def decide(self, who: Identity, item_id: str, judgement: Judgement) -> Decision:
        """See `Reviews.decide`."""
        async with _Watched(self._log, who, item_id):
            return await self._reviews.decide(who, item_id, judgement)

    async def undo(self, who: Identity, item_id: str, decision_id: str) -> Claim:
        """See `Reviews.undo`."""
        async with _Watched(self._log, who, item_id):
            return await self._reviews.undo(who, item_id, decision_id)

    async def reject_all(
        self, who: Identity, refusals: Sequence[Refusal], *, reason: str, note: str = ""
    ) -> Mapping[str, Decision | str]:
        """See `Reviews.reject_all`."""
        async with _Watched(self._log, who, "queue"):
            return await self._reviews.reject_all(who, refusals, reason=reason, note=note)


def _ids(past: Iterable[Past]) -> str:
    return " ".join(each.item_id for each in past)


class _Watched:
    """Records that somebody reached for what is not theirs; the error goes on."""

    def __init__(self, log: AccessLog, who: Identity, what: str) -> None:
        self._log = log
        self._who = who
        self._what = what

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, UnknownItemError | NotAllowedError):
            await self._log.record(accessed(self._who, REFUSED, code=error.code, at=self._what))
