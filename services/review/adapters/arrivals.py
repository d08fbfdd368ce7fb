"""`Arrivals` over a database."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import erasing, rows
from services.review.adapters.database import Database
from services.review.adapters.outbox import read_back
from services.review.adapters.reading import utc_now, verdicts_text
from services.review.adapters.tables import decisions, items, outbox, payloads, proposals
from services.review.decision import Kind
from services.review.erasure import person
from services.review.identity import EVERY_TENANT, Identity
from services.review.item import (
    RISKS,
    Arrival,
    Status,
    due_at,
    item_id,
    payload_hash,
    risk_of,
    soon_at,
)
from services.review.terms import Terms
from shared.events import AnswerChecked, ReviewDecided, SubjectErased, Verdict
from shared.release import ReviewRules

_ELSEWHERE: Final = "decided elsewhere"
_ALL: Final = Identity("glideslope", frozenset(), frozenset({EVERY_TENANT}))


class SqlArrivals:
    """Implements `services.review.arrivals.Arrivals`."""

    def __init__(
        self, database: Database, terms: Terms | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._terms = terms or Terms()
        self._now = now

    async def put(self, arrival: Arrival, checked: AnswerChecked, rules: ReviewRules) -> bool:
        """Have an answer wait; say whether it is new."""
        subject = arrival.event.subject
        async with self._database.writing() as connection:
            await erasing.alone(connection, checked.request.tenant, subject)
            erased = await erasing.is_erased(connection, checked.request, subject)
            row = await _row(connection, checked)
            if row is None:
                id_ = await self._insert(connection, arrival, checked, rules)
                if erased:
                    await erasing.forget(connection, id_, self._now())
                return True
            if not _replaces(row, arrival, checked):
                return False
            await connection.execute(
                items.update()
                .where(items.c.id == row.id)
                .values(
                    **self._content(arrival, checked, rules),
                    status=Status.OPEN,
                    token=row.token + 1,  # whoever has it has seen something else
                    holder=None,
                    lease_until=None,
                    claimed_at=None,
                    snoozed_until=None,
                    escalated=0,
                    opinions=0,
                    disputed=False,
                )
            )
            await connection.execute(
                payloads.update()
                .where(payloads.c.item_id == row.id)
                .values(data=arrival.event.data)
            )
            # a word that was given on what waited before says nothing of this
            await connection.execute(
                decisions.delete().where(
                    decisions.c.item_id == row.id,
                    decisions.c.attempt == checked.attempt,
                    ~decisions.c.final,
                )
            )
            await rows.happened(connection, row.id, arrival.at, "glideslope", "another answer came")
            if erased:
                await erasing.forget(connection, row.id, self._now())
            return False

    async def close(self, arrival: Arrival, decided: ReviewDecided, rules: ReviewRules) -> None:
        """Take note of a record of `reviews.decided`: the first one of a request counts."""
        request, subject = decided.item.request, arrival.event.subject
        async with self._database.writing() as connection:
            await erasing.alone(connection, request.tenant, subject)
            erased = await erasing.is_erased(connection, request, subject)
            await read_back(connection, arrival.partition, arrival.offset + 1)
            row = await _row(connection, decided.item)
            if row is None:  # its item is still to come, and is over then
                await self._insert(connection, arrival, decided.item, rules)
                row = await _row(connection, decided.item)
            if row is None or await _is_published(connection, row, arrival):
                return
            await connection.execute(
                outbox.delete().where(
                    outbox.c.item_id == row.id,
                    outbox.c.published_at.is_(None),
                    outbox.c.decision_id.is_not(None),
                )
            )
            await connection.execute(
                decisions.delete().where(
                    decisions.c.item_id == row.id, decisions.c.attempt == decided.item.attempt
                )
            )
            await connection.execute(
                decisions.insert().values(
                    id=arrival.event.id,
                    item_id=row.id,
                    attempt=decided.item.attempt,
                    reviewer=rows.clean(decided.reviewer),
                    kind=decided.decision,
                    text=None if decided.answer is None else rows.clean(decided.answer.text),
                    reason=rows.clean(decided.reason),
                    note="",
                    payload=decided.payload,
                    decided_at=decided.decided_at,
                    seconds=decided.seconds or 0.0,
                    final=True,
                )
            )
            await connection.execute(
                items.update()
                .where(items.c.id == row.id)
                .values(
                    status=Status.DECIDED,
                    decided_at=decided.decided_at,
                    holder=None,
                    lease_until=None,
                    claimed_at=None,
                )
            )
            await rows.happened(
                connection, row.id, decided.decided_at, decided.reviewer, _ELSEWHERE
            )
            if erased or row.erased_at is not None:
                await erasing.forget(connection, row.id, self._now())

    async def erase(self, erased: SubjectErased, at: datetime) -> int:
        """Forget the content of all that a person asked by then; return how many items had any."""
        async with self._database.writing() as connection:
            await erasing.alone(connection, erased.tenant, erased.subject)
            await erasing.remember(connection, erased, at)
            found = await erasing.asked_by(connection, erased)
        count = 0
        for item in found:
            async with self._database.writing() as connection:
                count += await erasing.forget_if_older(connection, item, at, self._now())
        await self._database.wipe()
        return count

    async def sent_back(self, checked: AnswerChecked) -> None:
        """Take note that another answer was asked for."""
        why = checked.sent_back
        if why is None:
            return
        async with self._database.writing() as connection:
            row = await _row(connection, checked)
            if row is None or row.status != Status.OPEN or row.attempt > checked.attempt:
                return
            await connection.execute(
                items.update().where(items.c.id == row.id).values(status=Status.SENT_BACK)
            )
            await rows.happened(
                connection,
                row.id,
                why.decided_at,
                why.reviewer,
                "asked for another answer",
                why.note,
            )

    async def checked(self, proposal: str, verdicts: Sequence[Verdict]) -> None:
        """Keep what the checks say of an edit."""
        async with self._database.writing() as connection:
            await connection.execute(
                proposals.update()
                .where(proposals.c.id == proposal)
                .values(checks=verdicts_text(verdicts))
            )

    async def _insert(
        self,
        connection: AsyncConnection,
        arrival: Arrival,
        checked: AnswerChecked,
        rules: ReviewRules,
    ) -> str:
        request = checked.request
        id_ = item_id(request.request_source, request.request_id)
        await connection.execute(
            items.insert().values(
                id=id_,
                request_source=rows.clean(request.request_source),
                request_id=rows.clean(request.request_id),
                tenant=rows.clean(request.tenant),
                status=Status.OPEN,
                escalated=0,
                token=0,
                opinions=0,
                disputed=False,
                **self._content(arrival, checked, rules),
            )
        )
        await connection.execute(payloads.insert().values(item_id=id_, data=arrival.event.data))
        await rows.happened(
            connection, id_, arrival.at, "glideslope", "came to wait", checked.reason
        )
        return id_

    def _content(
        self, arrival: Arrival, checked: AnswerChecked, rules: ReviewRules
    ) -> dict[str, Any]:
        due = due_at(checked, arrival.at, self._terms.within, rules)
        subject = arrival.event.subject
        return {
            "person": None if subject is None else person(checked.request.tenant, subject),
            "erased_at": None,
            "question": rows.clean(checked.request.question),
            "reason": rows.clean(checked.reason),
            "probability": checked.confidence.probability,
            "risk": RISKS.index(risk_of(checked)),
            "skill": rules.skill,
            "since": arrival.at,
            "soon": soon_at(arrival.at, due),
            "due": due,
            "four_eyes": bool(rules.four_eyes),
            "attempt": checked.attempt,
            "payload": payload_hash(arrival.event.data),
            "partition": arrival.partition,
            "offset": arrival.offset,
            "key": arrival.key,
            "event": rows.event_text(arrival.event),
            "rules": rules.model_dump_json(exclude_none=True),
        }


async def _row(connection: AsyncConnection, checked: AnswerChecked) -> Row[Any] | None:
    request = checked.request
    id_ = item_id(request.request_source, request.request_id)
    query = select(items).where(items.c.id == id_, rows.visible(_ALL)).with_for_update()
    return (await connection.execute(query)).one_or_none()


def _replaces(row: Row[Any], arrival: Arrival, checked: AnswerChecked) -> bool:
    """Whether a record says something newer of an item than what is known of it."""
    if row.status == Status.DECIDED:
        return False
    later: bool = checked.attempt > row.attempt
    if later or checked.attempt < row.attempt or row.status == Status.SENT_BACK:
        return later
    newer: bool = arrival.offset > row.offset
    return newer and payload_hash(arrival.event.data) != row.payload


async def _is_published(connection: AsyncConnection, row: Row[Any], arrival: Arrival) -> bool:
    """Whether an item's decision is on `reviews.decided` already: this one, or an earlier one."""
    if row.status != Status.DECIDED:
        return False
    query = select(decisions).where(
        decisions.c.item_id == row.id, decisions.c.final, decisions.c.kind != Kind.SENT_BACK
    )
    ended: Row[Any] | None = (await connection.execute(query)).first()
    if ended is None or ended.publish_at is None:  # from elsewhere: the first counts
        return ended is not None
    ours = select(outbox.c.number, outbox.c.value, outbox.c.published_at).where(
        outbox.c.decision_id == ended.id
    )
    letters = (await connection.execute(ours)).all()
    if row.erased_at is not None and not letters:  # they were published, and forgotten
        return True
    for letter in letters:
        if bytes(letter.value) == arrival.event.data:  # ours: it is out, whoever knows of it
            await connection.execute(
                outbox.update()
                .where(outbox.c.number == letter.number, outbox.c.published_at.is_(None))
                .values(published_at=arrival.at)
            )
            return True
    return bool(letters) and all(letter.published_at is not None for letter in letters)
