"""What reviewers see of the queue."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from rapidfuzz import fuzz, process, utils
from sqlalchemy import ColumnElement, Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import rows
from services.review.adapters.database import Database
from services.review.adapters.tables import decisions, happenings, items, proposals
from services.review.decision import Kind, Opinion, Past, Proposal
from services.review.errors import NotAllowedError, UnknownItemError
from services.review.identity import Identity, Role
from services.review.item import RISKS, Item, Status
from services.review.queue import Counts, Filter, Happening, Order, Page
from services.review.terms import Terms
from shared.events import Answer, Verdict
from shared.metrics import Metrics

_NEVER: Final = 0
_COMPARED: Final = 500
"""Decided items, the newest, that a question is compared with."""
_COMPARED_CHARACTERS: Final = 400
_LIKE: Final = 50.0
"""Of 100; less is no likeness that helps."""
_NEWEST: Final = 50
_PAGE_MAX: Final = 200
_VERDICTS: Final = TypeAdapter(tuple[Verdict, ...])

_ORDERS: Final[dict[Order, tuple[ColumnElement[Any], ...]]] = {
    Order.URGENCY: (items.c.due, items.c.risk.desc(), items.c.id),
    Order.AGE: (items.c.since, items.c.id),
    Order.NEWEST: (items.c.since.desc(), items.c.id),
}


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Reading:
    """The half of `Reviews` that changes nothing."""

    def __init__(
        self, database: Database, terms: Terms | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self.metrics = Metrics()
        """Where decisions are counted."""
        self._terms = terms or Terms()
        self._now = now

    async def page(
        self,
        who: Identity,
        wanted: Filter = Filter(),  # noqa: B008 - immutable
        *,
        order: Order = Order.URGENCY,
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Return part of the items that match, sorted."""
        reads(who)
        now = self._now()
        found = [rows.visible(who), *rows.matching(wanted, now)]
        query = (
            select(items)
            .where(*found)
            .order_by(*_ORDERS[order])
            .offset(max(offset, 0))
            .limit(min(max(limit, 0), _PAGE_MAX))
        )
        async with self._database.reading() as connection:
            total = await connection.scalar(select(func.count()).select_from(items).where(*found))
            part = (await connection.execute(query)).all()
        return Page([rows.summary_of(row, now) for row in part], total or _NEVER, offset)

    async def counts(self, who: Identity) -> Counts:
        """Return how many wait."""
        if not who.roles:
            raise NotAllowedError("your account has no role here: ask an operator for one")
        now = self._now()
        free, put_off = ~rows.held(now), items.c.snoozed_until > now
        soon, due = items.c.soon <= now, items.c.due <= now
        mine = and_(items.c.holder == who.name, rows.held(now))
        columns = [
            func.count().filter(condition)
            for condition in (free, mine, put_off, and_(soon, ~due), due)
        ]
        query = (
            select(items.c.tenant, items.c.risk, func.count(), *columns)
            .where(items.c.status == Status.OPEN, rows.visible(who))
            .group_by(items.c.tenant, items.c.risk)
        )
        async with self._database.reading() as connection:
            groups = (await connection.execute(query)).all()
        by_tenant: Counter[str] = Counter()
        by_risk: Counter[int] = Counter()
        sums = [0] * (len(columns) + 1)
        for tenant, risk, *numbers in groups:
            by_tenant[tenant] += numbers[0]
            by_risk[risk] += numbers[0]
            sums = [total + number for total, number in zip(sums, numbers, strict=True)]
        risks = {RISKS[each]: number for each, number in by_risk.items()}
        everything, free_, mine_, put_off_, soon_, due_ = sums
        return Counts(everything, free_, mine_, put_off_, soon_, due_, dict(by_tenant), risks)

    async def mark(self) -> str:
        """Return a mark that is another one after anything was done with an item.

        The newest lines of history, and not the newest alone: of two transactions that write at a
        time the earlier number may be there later.
        """
        query = select(happenings.c.number).order_by(happenings.c.number.desc()).limit(_NEWEST)
        async with self._database.reading() as connection:
            return repr((await connection.scalars(query)).all())

    async def get(self, who: Identity, item_id: str) -> Item:
        """Return an item whole."""
        reads(who)
        async with self._database.reading() as connection:
            return rows.item_of(await self._whole(connection, who, item_id), self._now())

    async def history(self, who: Identity, item_id: str) -> Sequence[Happening]:
        """Return what happened to an item, the oldest first."""
        reads(who)
        query = select(happenings).where(happenings.c.item_id == item_id)
        async with self._database.reading() as connection:
            await self._exists(connection, who, item_id)
            lines = (await connection.execute(query.order_by(happenings.c.number))).all()
        return [Happening(line.at, line.who, line.what, line.note) for line in lines]

    async def opinions(self, who: Identity, item_id: str) -> Sequence[Opinion]:
        """Return how people judged it so far; a first opinion is for nobody who may give one."""
        reads(who)
        query = select(decisions).where(decisions.c.item_id == item_id)
        async with self._database.reading() as connection:
            item = await self._exists(connection, who, item_id)
            found = (await connection.execute(query.order_by(decisions.c.decided_at))).all()
        is_blind = item.status == Status.OPEN and not item.disputed and who.decides
        return [
            rows.opinion_of(row)
            for row in found
            if not is_blind or row.reviewer == who.name or row.attempt < item.attempt
        ]

    async def similar(self, who: Identity, item_id: str, *, limit: int = 5) -> Sequence[Past]:
        """Return decided items of the same tenant whose questions are most like this one's."""
        reads(who)
        async with self._database.reading() as connection:
            item = await self._exists(connection, who, item_id)
            query = (
                select(items.c.id.label("of_item"), items.c.question, decisions)
                .join(decisions, decisions.c.item_id == items.c.id)
                .where(
                    items.c.tenant == item.tenant,
                    items.c.status == Status.DECIDED,
                    items.c.erased_at.is_(None),
                    items.c.id != item_id,
                    decisions.c.final,
                    decisions.c.kind != Kind.SENT_BACK,
                )
                .order_by(items.c.decided_at.desc())
                .limit(_COMPARED)
            )
            past = (await connection.execute(query)).all()
        # a thread: long questions take a while to compare
        return await asyncio.to_thread(_most_like, item.question, past, limit)

    async def proposal(self, who: Identity, item_id: str, proposal_id: str) -> Proposal:
        """Return an edit, with its verdicts when they are back; to nobody but its author."""
        reads(who)
        async with self._database.reading() as connection:
            await self._exists(connection, who, item_id)
            return await proposal_of(connection, who, item_id, proposal_id)

    async def _exists(self, connection: AsyncConnection, who: Identity, item_id: str) -> Row[Any]:
        query = select(items).where(items.c.id == item_id, rows.visible(who))
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownItemError(item_id)
        return row

    async def _whole(self, connection: AsyncConnection, who: Identity, item_id: str) -> Row[Any]:
        query = rows.whole().where(items.c.id == item_id, rows.visible(who))
        row: Row[Any] | None = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownItemError(item_id)
        return row


def reads(who: Identity) -> None:
    """Raise `NotAllowedError` unless a person may see items."""
    if not who.reads:
        wanted = ", ".join(sorted({Role.REVIEWER, Role.LEAD, Role.AUDITOR}))
        raise NotAllowedError(f"to see items one needs one of these roles: {wanted}")


def decides(who: Identity) -> None:
    """Raise `NotAllowedError` unless a person may claim and decide."""
    if not who.decides:
        raise NotAllowedError("to claim and decide one needs the role reviewer or lead")


async def proposal_of(
    connection: AsyncConnection, who: Identity, item_id: str, proposal_id: str
) -> Proposal:
    """Return a person's edit of an item. Raises `UnknownItemError`."""
    query = select(proposals).where(
        proposals.c.id == proposal_id,
        proposals.c.item_id == item_id,
        proposals.c.author == who.name,
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownItemError(proposal_id)
    return Proposal(
        id=row.id,
        item_id=row.item_id,
        author=row.author,
        answer=Answer.model_validate_json(row.answer),
        diff=row.diff,
        made_at=row.made_at,
        checks=None if row.checks is None else _VERDICTS.validate_json(row.checks),
    )


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as they are kept."""
    return json.dumps([each.model_dump(mode="json") for each in verdicts])


def _most_like(question: str, past: Sequence[Row[Any]], limit: int) -> list[Past]:
    found = process.extract(
        question[:_COMPARED_CHARACTERS],
        [row.question[:_COMPARED_CHARACTERS] for row in past],
        scorer=fuzz.token_set_ratio,
        processor=utils.default_process,
        limit=limit,
        score_cutoff=_LIKE,
    )
    return [_past(past[index], score) for _, score, index in found]


def _past(row: Row[Any], score: float) -> Past:
    opinion = rows.opinion_of(row)
    return Past(
        item_id=row.of_item,
        question=row.question,
        kind=opinion.kind,
        text=opinion.text,
        reason=opinion.reason or opinion.note,
        reviewer=opinion.reviewer,
        decided_at=opinion.decided_at,
        likeness=score / 100,
    )
