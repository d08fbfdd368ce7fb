"""A person who is erased: nothing of what they asked, or was said of it, stays in the database.

What stays, and how their requests still end once: docs/adr/0028.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import rows
from services.review.adapters.tables import (
    decisions,
    erasures,
    happenings,
    items,
    outbox,
    payloads,
    proposals,
)
from services.review.decision import Kind, Opinion
from services.review.erasure import BY, ERASED, REASON, forgotten, person, without_content
from services.review.item import Arrival, Item, Status, payload_hash
from services.review.publication import erased
from services.review.publication import forgotten as word_of
from shared import topics
from shared.events import AnswerChecked, RequestAccepted, SubjectErased

_WITHOUT_CONTENT: Final = (topics.REVIEWS_ACCESSED.name, topics.REVIEWS_ESCALATED.name)


async def alone(connection: AsyncConnection, tenant: str, subject: str | None) -> None:
    """Let nothing of a person arrive while they are erased, nor the other way round.

    SQLite has one writer in any case.
    """
    if subject is not None and connection.dialect.name == "postgresql":
        key = int(person(tenant, subject)[:15], 16)
        await connection.execute(select(func.pg_advisory_xact_lock(key)))


async def remember(connection: AsyncConnection, who: SubjectErased, at: datetime) -> None:
    """Keep in mind that a person was erased: what they asked by then may still come."""
    hashed = person(who.tenant, who.subject)
    query = select(erasures.c.at).where(erasures.c.person == hashed).with_for_update()
    known = await connection.scalar(query)
    if known is None:
        await connection.execute(erasures.insert().values(person=hashed, at=at))
    elif known < at:
        await connection.execute(erasures.update().where(erasures.c.person == hashed).values(at=at))


async def is_erased(
    connection: AsyncConnection, request: RequestAccepted, subject: str | None
) -> bool:
    """Whether a request's person was erased after they asked."""
    if subject is None:
        return False
    hashed = person(request.tenant, subject)
    at = await connection.scalar(select(erasures.c.at).where(erasures.c.person == hashed))
    return at is not None and request.received_at <= at


async def asked_by(connection: AsyncConnection, who: SubjectErased) -> Sequence[str]:
    """Return the ids of a person's items that have content, the oldest first."""
    theirs = items.c.person == person(who.tenant, who.subject)
    query = select(items.c.id).where(theirs).order_by(items.c.since, items.c.id)
    return (await connection.scalars(query)).all()


async def forget_if_older(
    connection: AsyncConnection, item_id: str, at: datetime, now: datetime
) -> bool:
    """Forget an item that was asked by a time; say whether it was."""
    query = select(payloads.c.data).where(payloads.c.item_id == item_id)
    data = await connection.scalar(query)
    if data is None or AnswerChecked.model_validate_json(data).request.received_at > at:
        return False
    await forget(connection, item_id, now)
    return True


async def forget(connection: AsyncConnection, item_id: str, now: datetime) -> None:
    """Forget an item's content, end it if it is not decided, and put word of that on the record.

    What a relay has taken to publish leaves all the same, and is forgotten with the letters that
    are published (`leftovers`).
    """
    query = rows.whole().where(items.c.id == item_id).with_for_update(of=items)
    row = (await connection.execute(query)).one()
    mine = outbox.c.item_id == item_id
    letters = select(outbox.c.batch).where(
        mine, outbox.c.decision_id.is_not(None), outbox.c.published_at.is_(None)
    )
    waiting = (await connection.scalars(letters.with_for_update())).all()
    ends = row.status == Status.OPEN or (bool(waiting) and all(batch is None for batch in waiting))
    arrival = rows.arrival_of(row)
    item = rows.item_of(row, now)
    kept = without_content(item.checked)
    nobodys = forgotten(arrival, kept)
    item = Item(item.summary, kept, payload_hash(nobodys.event.data), item.rules)

    await _empty(connection, row, nobodys, ends=ends)
    ended = {"status": Status.DECIDED, "decided_at": now} if ends else {}
    await connection.execute(
        items.update()
        .where(items.c.id == item_id)
        .values(
            question=ERASED,
            reason=ERASED,
            person=None,
            erased_at=now,
            payload=item.payload,
            event=rows.event_text(nobodys.event),
            token=row.token + 1,
            holder=None,
            lease_until=None,
            claimed_at=None,
            assigned_to=None,
            snoozed_until=None,
            **ended,
        )
    )
    await rows.happened(connection, item_id, now, BY, "forgot what it said: its person is erased")
    if row.erased_at is None:
        await rows.post(connection, row, [word_of(nobodys, item, BY, now)], not_before=now)
    if ends:
        opinion = Opinion(str(uuid4()), BY, Kind.REJECTED, None, REASON, "", now, 0.0)
        await _decide(connection, row, opinion)
        letter = erased(nobodys, item, opinion)
        await rows.post(connection, row, [letter], not_before=now, decision_id=opinion.id)


async def _empty(
    connection: AsyncConnection, row: Row[Any], nobodys: Arrival, *, ends: bool
) -> None:
    """Forget what stands of an item in other tables; with `ends` its decision, if it has one."""
    item_id = row.id
    mine = outbox.c.item_id == item_id
    stays = and_(outbox.c.decision_id.is_not(None), outbox.c.published_at.is_(None))
    gone = or_(outbox.c.published_at.is_not(None), outbox.c.batch.is_(None))
    await connection.execute(
        outbox.delete().where(
            mine, outbox.c.topic.not_in(_WITHOUT_CONTENT), gone, *([] if ends else [~stays])
        )
    )
    if ends:
        await connection.execute(
            decisions.delete().where(
                decisions.c.item_id == item_id,
                decisions.c.attempt == row.attempt,
                or_(decisions.c.final, decisions.c.reviewer == BY),
            )
        )
    await connection.execute(
        decisions.update()
        .where(decisions.c.item_id == item_id)
        .values(text=None, reason="", note="", payload=None)
    )
    await connection.execute(proposals.delete().where(proposals.c.item_id == item_id))
    await connection.execute(
        happenings.update().where(happenings.c.item_id == item_id).values(note="")
    )
    await connection.execute(
        payloads.update().where(payloads.c.item_id == item_id).values(data=nobodys.event.data)
    )


async def leftovers(connection: AsyncConnection) -> None:
    """Forget letters with content of items that are erased, once they are published."""
    of_erased = select(items.c.id).where(items.c.erased_at.is_not(None))
    await connection.execute(
        outbox.delete().where(
            outbox.c.item_id.in_(of_erased),
            outbox.c.topic.not_in(_WITHOUT_CONTENT),
            outbox.c.published_at.is_not(None),
        )
    )


async def _decide(connection: AsyncConnection, row: Row[Any], opinion: Opinion) -> None:
    await connection.execute(
        decisions.insert().values(
            id=opinion.id,
            item_id=row.id,
            attempt=row.attempt,
            reviewer=opinion.reviewer,
            kind=opinion.kind,
            text=None,
            reason=opinion.reason,
            note="",
            payload=None,
            decided_at=opinion.decided_at,
            seconds=0.0,
            final=True,
            publish_at=opinion.decided_at,
        )
    )
