"""Who has which item: every change of a claim is one statement on one locked row."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import rows
from services.review.adapters.reading import Reading, decides
from services.review.adapters.tables import decisions, items
from services.review.claim import Claim
from services.review.errors import (
    HeldError,
    NotAllowedError,
    NotHeldError,
    NotOpenError,
    UnfitDecisionError,
)
from services.review.identity import Identity
from services.review.item import Item, Status
from services.review.queue import Filter

_OVER = {
    Status.DECIDED: "decided",
    Status.SENT_BACK: "on its way back for another answer",
}


class Claiming(Reading):
    """Claims, and what is done under one without deciding."""

    async def claim(self, who: Identity, item_id: str) -> Claim:
        """Take an item; one's own again is the same claim, renewed."""
        decides(who)
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            await _may_claim(connection, row, who, now)
            return await self._take(connection, row, who, now)

    async def claim_next(self, who: Identity, wanted: Filter = Filter()) -> Item | None:  # noqa: B008 - immutable
        """Take the most urgent item that is free and for this person; None if there is none."""
        decides(who)
        now = self._now()
        given = exists().where(
            decisions.c.item_id == items.c.id,
            decisions.c.attempt == items.c.attempt,
            decisions.c.reviewer == who.name,
        )
        fits = [
            rows.visible(who),
            *rows.matching(wanted, now),
            items.c.status == Status.OPEN,
            ~rows.held(now),
            or_(items.c.assigned_to.is_(None), items.c.assigned_to == who.name),
            ~given,
        ]
        if not who.leads:
            fits += [
                or_(items.c.skill.is_(None), items.c.skill.in_(sorted(who.skills))),
                ~items.c.disputed,
            ]
        query = (
            select(items)
            .where(and_(*fits))
            .order_by(items.c.due, items.c.risk.desc(), items.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        async with self._database.writing() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            await self._take(connection, row, who, now)
            return rows.item_of(await self._whole(connection, who, row.id), now)

    async def renew(self, who: Identity, item_id: str, token: int) -> Claim:
        """Keep an item for another lease."""
        decides(who)
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            under(row, who, token, now)
            return await self._extend(connection, row, now)

    async def release(self, who: Identity, item_id: str, token: int) -> None:
        """Give an item back."""
        decides(who)
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            under(row, who, token, now)
            await _let_go(connection, row)
            await rows.happened(connection, item_id, now, who.name, "gave it back")

    async def hand_over(
        self, who: Identity, item_id: str, token: int, *, to: str, note: str = ""
    ) -> None:
        """Give an item to another person, who claims it. A lead does it without a claim."""
        decides(who)
        if not to.strip():
            raise UnfitDecisionError("name the person to hand it to")
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            if row.status != Status.OPEN:
                raise NotOpenError(_OVER[Status(row.status)])
            if not who.leads:
                under(row, who, token, now)
            await _let_go(connection, row, assigned_to=rows.clean(to.strip()))
            await rows.happened(
                connection, item_id, now, who.name, f"handed it to {rows.clean(to.strip())}", note
            )

    async def snooze(
        self, who: Identity, item_id: str, token: int, *, until: datetime, note: str = ""
    ) -> None:
        """Put an item off and give it back; its due time stays."""
        decides(who)
        now = self._now()
        if until <= now:
            raise UnfitDecisionError("put it off to a time that is still to come")
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            under(row, who, token, now)
            await _let_go(connection, row, snoozed_until=until)
            await rows.happened(
                connection,
                item_id,
                now,
                who.name,
                f"put it off to {until:%Y-%m-%d %H:%M} UTC",
                note,
            )

    async def _take(
        self, connection: AsyncConnection, row: Row[Any], who: Identity, now: datetime
    ) -> Claim:
        current = rows.claim_of(row, now)
        if current is not None and current.holder == who.name:
            return await self._extend(connection, row, now)
        claim = Claim(who.name, row.token + 1, now + self._terms.lease)
        await connection.execute(
            items.update()
            .where(items.c.id == row.id)
            .values(
                holder=claim.holder,
                token=claim.token,
                claimed_at=now,
                lease_until=claim.until,
                snoozed_until=None,
            )
        )
        await rows.happened(connection, row.id, now, who.name, "claimed it")
        return claim

    async def _extend(self, connection: AsyncConnection, row: Row[Any], now: datetime) -> Claim:
        until = now + self._terms.lease
        await connection.execute(
            items.update().where(items.c.id == row.id).values(lease_until=until)
        )
        return Claim(row.holder, row.token, until)


def under(row: Row[Any], who: Identity, token: int, now: datetime) -> None:
    """Raise `NotOpenError` or `NotHeldError` unless a person has an open item, by this token."""
    if row.status != Status.OPEN:
        raise NotOpenError(_OVER[Status(row.status)])
    claim = rows.claim_of(row, now)
    if claim is None or claim.holder != who.name or claim.token != token:
        other = claim.holder if claim is not None and claim.holder != who.name else None
        raise NotHeldError(other)


async def _may_claim(
    connection: AsyncConnection, row: Row[Any], who: Identity, now: datetime
) -> None:
    if row.status != Status.OPEN:
        raise NotOpenError(_OVER[Status(row.status)])
    claim = rows.claim_of(row, now)
    if claim is not None and claim.holder != who.name:
        raise HeldError(claim.holder, claim.until)
    if row.assigned_to not in {None, who.name} and not who.leads:
        raise HeldError(row.assigned_to, None)
    if row.skill is not None and row.skill not in who.skills and not who.leads:
        raise NotAllowedError(f"this item is for people with the skill {row.skill!r}")
    if row.disputed and not who.leads:
        raise NotAllowedError("two people differ on this item: a lead decides")
    query = select(decisions.c.id).where(
        decisions.c.item_id == row.id,
        decisions.c.attempt == row.attempt,
        decisions.c.reviewer == who.name,
    )
    if (await connection.execute(query)).first() is not None:
        raise NotAllowedError("you have given your word on this item: another person decides")


async def _let_go(connection: AsyncConnection, row: Row[Any], **changed: Any) -> None:
    await connection.execute(
        items.update()
        .where(items.c.id == row.id)
        .values(holder=None, lease_until=None, claimed_at=None, **{"assigned_to": None, **changed})
    )
