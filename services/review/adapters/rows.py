"""Rows of the database as what they mean, and the conditions that every query starts from."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters.tables import happenings, items, outbox, payloads
from services.review.claim import Claim
from services.review.decision import Kind, Opinion
from services.review.errors import UnknownItemError
from services.review.identity import EVERY_TENANT, Identity
from services.review.item import RISKS, Alarm, Arrival, Item, Status, Summary
from services.review.publication import Letter
from services.review.queue import Filter
from shared.cloudevents import Event
from shared.events import AnswerChecked
from shared.release import ReviewRules

ALARMS: Final = (Alarm.NONE, Alarm.DUE_SOON, Alarm.OVERDUE)


def clean(text: str) -> str:
    """Return a text without NUL, which PostgreSQL has no place for."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def visible(who: Identity) -> ColumnElement[bool]:
    """Return the condition that an item is of a tenant of this person's."""
    if EVERY_TENANT in who.tenants:
        return true()
    return items.c.tenant.in_(sorted(who.tenants)) if who.tenants else false()


def held(now: datetime) -> ColumnElement[bool]:
    """Return the condition that somebody has an item now."""
    return and_(items.c.holder.is_not(None), items.c.lease_until > now)


def matching(wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter."""
    alarms = {
        Alarm.NONE: items.c.soon > now,
        Alarm.DUE_SOON: and_(items.c.soon <= now, items.c.due > now),
        Alarm.OVERDUE: items.c.due <= now,
    }
    put_off = and_(items.c.snoozed_until.is_not(None), items.c.snoozed_until > now)
    found: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        found.append(items.c.status == wanted.status)
    if wanted.status is Status.OPEN:
        found.append(put_off if wanted.snoozed else ~put_off)
    if wanted.tenant is not None:
        found.append(items.c.tenant == wanted.tenant)
    if wanted.risk is not None:
        found.append(items.c.risk == RISKS.index(wanted.risk))
    if wanted.alarm is not None:
        found.append(alarms[wanted.alarm])
    if wanted.skill is not None:
        found.append(items.c.skill == wanted.skill)
    if wanted.holder is not None:
        found.append(and_(items.c.holder == wanted.holder, held(now)))
    if wanted.free is not None:
        found.append(~held(now) if wanted.free else held(now))
    if wanted.text:
        text = clean(wanted.text).lower()
        found.append(
            or_(
                func.lower(items.c.question).contains(text, autoescape=True),
                func.lower(items.c.request_id).contains(text, autoescape=True),
            )
        )
    return found


async def locked(connection: AsyncConnection, who: Identity, item_id: str) -> Row[Any]:
    """Return an item's row, which nobody else changes until the end of the transaction.

    Raises `UnknownItemError`.
    """
    query = select(items).where(items.c.id == item_id, visible(who)).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownItemError(item_id)
    return row


def whole() -> Select[Any]:
    """Return the query of items with their payloads."""
    return select(items, payloads.c.data).join(payloads)


def claim_of(row: Row[Any], now: datetime) -> Claim | None:
    """Return who has an item now."""
    if row.holder is None or row.lease_until is None or row.lease_until <= now:
        return None
    return Claim(row.holder, row.token, row.lease_until)


def summary_of(row: Row[Any], now: datetime) -> Summary:
    """Return what a list shows of an item."""
    alarm = Alarm.NONE
    if row.status == Status.OPEN:
        alarm = Alarm.OVERDUE if row.due <= now else alarm
        alarm = Alarm.DUE_SOON if row.soon <= now < row.due else alarm
    return Summary(
        id=row.id,
        request_source=row.request_source,
        request_id=row.request_id,
        tenant=row.tenant,
        question=row.question,
        reason=row.reason,
        probability=row.probability,
        risk=RISKS[row.risk],
        skill=row.skill,
        status=Status(row.status),
        since=row.since,
        due=row.due,
        alarm=alarm,
        claim=claim_of(row, now),
        assigned_to=row.assigned_to,
        snoozed_until=row.snoozed_until,
        four_eyes=row.four_eyes,
        opinions=row.opinions,
        disputed=row.disputed,
        attempt=row.attempt,
    )


def item_of(row: Row[Any], now: datetime) -> Item:
    """Return an item from a row with its payload."""
    return Item(
        summary=summary_of(row, now),
        checked=AnswerChecked.model_validate_json(row.data),
        payload=row.payload,
        rules=ReviewRules.model_validate_json(row.rules),
    )


def arrival_of(row: Row[Any]) -> Arrival:
    """Return the event that brought an item, from a row with its payload."""
    told = json.loads(row.event)
    event = Event(
        id=told["id"],
        type=told["type"],
        source=told["source"],
        data=row.data,
        time=told["time"],
        subject=told["subject"],
        extensions=told["extensions"],
        foreign=read_headers(told["foreign"]),
    )
    return Arrival(event, row.partition, row.offset, row.key, row.since)


def event_text(event: Event) -> str:
    """Return all of an event but its data."""
    return json.dumps(
        {
            "id": event.id,
            "type": event.type,
            "source": event.source,
            "time": event.time,
            "subject": event.subject,
            "extensions": dict(event.extensions),
            "foreign": written_headers(event.foreign),
        }
    )


def opinion_of(row: Row[Any]) -> Opinion:
    """Return an opinion."""
    return Opinion(
        id=row.id,
        reviewer=row.reviewer,
        kind=Kind(row.kind),
        text=row.text,
        reason=row.reason,
        note=row.note,
        decided_at=row.decided_at,
        seconds=row.seconds,
    )


def written_headers(headers: Sequence[tuple[str, bytes | None]]) -> list[list[str | None]]:
    """Return headers as JSON takes them: any bytes."""
    return [
        [name, None if raw is None else base64.b64encode(raw).decode()] for name, raw in headers
    ]


def read_headers(written: Sequence[Sequence[Any]]) -> tuple[tuple[str, bytes | None], ...]:
    """Return headers as they were."""
    return tuple((name, None if text is None else base64.b64decode(text)) for name, text in written)


async def happened(  # noqa: PLR0913, PLR0917 - a line has this many parts
    connection: AsyncConnection, item_id: str, at: datetime, who: str, what: str, note: str = ""
) -> None:
    """Add a line to an item's history."""
    await connection.execute(
        happenings.insert().values(
            item_id=item_id, at=at, who=clean(who), what=what, note=clean(note)
        )
    )


async def post(
    connection: AsyncConnection,
    row: Row[Any],
    letters: Sequence[Letter],
    *,
    not_before: datetime,
    decision_id: str | None = None,
) -> None:
    """Put events into the outbox, in the transaction that is their reason."""
    await connection.execute(
        outbox.insert(),
        [
            {
                "item_id": row.id,
                "decision_id": decision_id,
                "topic": letter.topic.name,
                "partition": row.partition,
                "key": row.key,
                "value": letter.event.data,
                "headers": json.dumps(written_headers(letter.event.headers())),
                "not_before": not_before,
            }
            for letter in letters
        ],
    )
