"""Decisions: what a person decides, and the event that says so, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import rows, words
from services.review.adapters.claiming import Claiming, under
from services.review.adapters.reading import decides
from services.review.adapters.tables import decisions, items, outbox, proposals
from services.review.claim import Claim
from services.review.decision import TEXT_MAX, Decision, Judgement, Kind, Proposal, diff
from services.review.errors import (
    ChangedError,
    PublishedError,
    ReviewError,
    UnfitDecisionError,
    UnknownItemError,
)
from services.review.identity import Identity
from services.review.item import Item, Status
from services.review.publication import Letter, decided, proposed, sent_back
from services.review.queue import Refusal
from shared.events import Answer
from shared.metrics import REVIEW_DECISIONS, REVIEW_DURATION

_SAID: Final[Mapping[Kind, str]] = {
    Kind.APPROVED: "approved it",
    Kind.EDITED: "edited and approved it",
    Kind.REJECTED: "rejected it",
    Kind.SENT_BACK: "asked for another answer",
}


class Deciding(Claiming):
    """Edits, decisions, and taking them back."""

    async def propose(self, who: Identity, item_id: str, token: int, text: str) -> Proposal:
        """Put an edited answer before the validator's checks."""
        decides(who)
        text = rows.clean(text.strip())
        if not text:
            raise UnfitDecisionError("the text is empty: to let nothing out, reject the answer")
        if len(text) > TEXT_MAX:
            raise UnfitDecisionError(f"the text has more than {TEXT_MAX:,} characters")
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            under(row, who, token, now)
            full = await self._whole(connection, who, item_id)
            item = rows.item_of(full, now)
            draft = item.checked.answer
            edit = Proposal(
                id=str(uuid4()),
                item_id=item_id,
                author=who.name,
                answer=Answer(text=text, citations=() if draft is None else draft.citations),
                diff=diff("" if draft is None else draft.text, text),
                made_at=now,
            )
            await connection.execute(
                proposals.insert().values(
                    id=edit.id,
                    item_id=item_id,
                    author=edit.author,
                    payload=item.payload,
                    answer=edit.answer.model_dump_json(),
                    diff=rows.clean(edit.diff),
                    made_at=now,
                )
            )
            letter = proposed(rows.arrival_of(full), item, edit)
            await rows.post(connection, full, [letter], not_before=now)
        return edit

    async def decide(self, who: Identity, item_id: str, judgement: Judgement) -> Decision:
        """Take a decision, and the event that publishes it, into one database transaction."""
        decides(who)
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            under(row, who, judgement.token, now)
            decision = await self._decide(connection, row, who, judgement, now)
        kind = decision.opinion.kind.value
        self.metrics.count(REVIEW_DECISIONS, row.tenant, kind)
        self.metrics.record(REVIEW_DURATION, decision.opinion.seconds, kind)
        return decision

    async def undo(self, who: Identity, item_id: str, decision_id: str) -> Claim:
        """Take one's own decision back before it is published, and the claim with it."""
        decides(who)
        now = self._now()
        async with self._database.writing() as connection:
            row = await rows.locked(connection, who, item_id)
            taken = await connection.execute(
                select(decisions).where(
                    decisions.c.id == decision_id,
                    decisions.c.item_id == item_id,
                    decisions.c.reviewer == who.name,
                )
            )
            if (decision := taken.one_or_none()) is None:
                raise UnknownItemError(decision_id)
            letters = select(outbox).where(outbox.c.decision_id == decision_id).with_for_update()
            waiting = (await connection.execute(letters)).all()
            if not waiting or any(letter.batch is not None for letter in waiting):
                raise PublishedError
            await connection.execute(outbox.delete().where(outbox.c.decision_id == decision_id))
            await connection.execute(decisions.delete().where(decisions.c.id == decision_id))
            claim = Claim(who.name, row.token + 1, now + self._terms.lease)
            await connection.execute(
                items.update()
                .where(items.c.id == item_id)
                .values(
                    status=Status.OPEN,
                    decided_at=None,
                    holder=claim.holder,
                    token=claim.token,
                    claimed_at=now,
                    lease_until=claim.until,
                )
            )
            await rows.happened(
                connection, item_id, now, who.name, f"took back: {_SAID[Kind(decision.kind)]}"
            )
        return claim

    async def reject_all(
        self, who: Identity, refusals: Sequence[Refusal], *, reason: str, note: str = ""
    ) -> Mapping[str, Decision | str]:
        """Reject several items that nobody else has, each for itself."""
        outcome: dict[str, Decision | str] = {}
        for each in refusals:
            try:
                claim = await self.claim(who, each.item_id)
                judgement = Judgement(
                    Kind.REJECTED, each.payload, claim.token, reason=reason, note=note
                )
                try:
                    outcome[each.item_id] = await self.decide(who, each.item_id, judgement)
                except ReviewError:
                    await self.release(who, each.item_id, claim.token)
                    raise
            except ReviewError as error:
                outcome[each.item_id] = str(error)
        return outcome

    async def _decide(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        who: Identity,
        judgement: Judgement,
        now: datetime,
    ) -> Decision:
        if row.payload != judgement.payload:
            raise ChangedError
        full = await self._whole(connection, who, row.id)
        item = rows.item_of(full, now)
        word = await words.given(connection, item, who, judgement, now, row.claimed_at or now)
        spoken = [*await words.earlier(connection, item), word]
        publish_at = now + self._terms.undo
        decision = Decision(word.opinion.id, row.id, "final", word.opinion, publish_at)
        letters: Sequence[Letter] = ()
        if judgement.kind is Kind.SENT_BACK:
            letters = sent_back(rows.arrival_of(full), item, word.opinion)
        elif words.is_last(item, spoken):
            letters = decided(rows.arrival_of(full), item, spoken)
        else:
            decision = replace(
                decision,
                state="disputed" if len(spoken) > 1 else "second_wanted",
                publish_at=None,
            )
        await _keep(connection, item, decision, judgement)
        if letters:
            await rows.post(
                connection, full, letters, not_before=publish_at, decision_id=decision.id
            )
        ended = Status.SENT_BACK if judgement.kind is Kind.SENT_BACK else Status.DECIDED
        await connection.execute(
            items.update()
            .where(items.c.id == row.id)
            .values(
                status=ended if letters else Status.OPEN,
                decided_at=now if letters and ended is Status.DECIDED else None,
                opinions=row.opinions if letters else len(spoken),
                disputed=row.disputed or decision.state == "disputed",
                holder=None,
                lease_until=None,
                claimed_at=None,
                assigned_to=None,
            )
        )
        # who may still give the second word must not read the first one here
        said = _SAID[judgement.kind] if letters else "gave a word that is kept apart"
        note = "" if not letters else judgement.note or judgement.reason
        await rows.happened(connection, row.id, now, who.name, said, note)
        return decision


async def _keep(
    connection: AsyncConnection, item: Item, decision: Decision, judgement: Judgement
) -> None:
    opinion = decision.opinion
    await connection.execute(
        decisions.insert().values(
            id=opinion.id,
            item_id=item.id,
            attempt=item.summary.attempt,
            reviewer=opinion.reviewer,
            kind=opinion.kind,
            text=None if opinion.text is None else rows.clean(opinion.text),
            reason=opinion.reason,
            note=opinion.note,
            payload=judgement.payload,
            decided_at=opinion.decided_at,
            seconds=opinion.seconds,
            final=decision.state == "final",
            publish_at=decision.publish_at,
        )
    )
