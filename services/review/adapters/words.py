"""The words that persons give on an item: what each needs, and with which one it is decided."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.review.adapters import rows
from services.review.adapters.reading import proposal_of
from services.review.adapters.tables import decisions, proposals
from services.review.decision import ATTEMPTS_MAX, Judgement, Kind, Opinion, Proposal, agree
from services.review.errors import ChangedError, UncheckedError, UnfitDecisionError
from services.review.identity import Identity
from services.review.item import Item
from services.review.publication import Word
from shared.events import Answer


def is_last(item: Item, words: Sequence[Word]) -> bool:
    """Whether with the last word an item is decided: one, two that agree, or a lead's third."""
    if not item.summary.four_eyes or item.summary.disputed:
        return True
    return len(words) > 1 and agree([word.opinion for word in words])


async def earlier(connection: AsyncConnection, item: Item) -> list[Word]:
    """Return the words that this attempt of the item has had, the first one first."""
    query = (
        select(decisions)
        .where(decisions.c.item_id == item.id, decisions.c.attempt == item.summary.attempt)
        .order_by(decisions.c.decided_at)
    )
    found = [rows.opinion_of(row) for row in (await connection.execute(query)).all()]
    cited = () if item.checked.answer is None else item.checked.answer.citations
    return [
        Word(each, None if each.text is None else Answer(text=each.text, citations=cited))
        for each in found
    ]


async def given(  # noqa: PLR0913, PLR0917 - all that a decision rests on
    connection: AsyncConnection,
    item: Item,
    who: Identity,
    judgement: Judgement,
    now: datetime,
    claimed_at: datetime,
) -> Word:
    """Return the word that a judgement is, of an item claimed at `claimed_at`.

    Raises `UnfitDecisionError`, `UncheckedError` and `ChangedError`.
    """
    answer, proposal = item.checked.answer, None
    match judgement.kind:
        case Kind.APPROVED if answer is None:
            raise UnfitDecisionError("there is no answer to approve: write one, or reject it")
        case Kind.EDITED:
            proposal = await _checked_edit(connection, item, who, judgement)
            answer = proposal.answer
        case Kind.REJECTED:
            _check_reason(item, judgement)
            answer = None
        case Kind.SENT_BACK:
            if not judgement.note.strip():
                raise UnfitDecisionError("say in a note what the next answer should do better")
            if item.summary.attempt >= ATTEMPTS_MAX:
                raise UnfitDecisionError(
                    f"this was answered {ATTEMPTS_MAX} times: write the answer, or reject it"
                )
            answer = None
        case _:
            pass
    opinion = Opinion(
        id=str(uuid4()),
        reviewer=who.name,
        kind=judgement.kind,
        text=None if answer is None else answer.text,
        reason=rows.clean(judgement.reason.strip()),
        note=rows.clean(judgement.note.strip()),
        decided_at=now,
        seconds=max((now - claimed_at).total_seconds(), 0.0),
    )
    return Word(opinion, answer, proposal)


def _check_reason(item: Item, judgement: Judgement) -> None:
    listed = item.rules.reasons
    if listed and judgement.reason not in listed:
        raise UnfitDecisionError(f"give one of this release's reasons: {', '.join(listed)}")
    if not (judgement.reason.strip() or judgement.note.strip()):
        raise UnfitDecisionError("say why: the asker reads it")


async def _checked_edit(
    connection: AsyncConnection, item: Item, who: Identity, judgement: Judgement
) -> Proposal:
    if judgement.proposal is None:
        raise UncheckedError("the edited answer has not been put before the checks: propose it")
    proposal = await proposal_of(connection, who, item.id, judgement.proposal)
    of = select(func.count()).where(
        proposals.c.id == proposal.id, proposals.c.payload == item.payload
    )
    if not await connection.scalar(of):
        raise ChangedError
    if proposal.checks is None:
        raise UncheckedError("the checks have not answered yet: try again in a moment")
    failing = [each.name for each in proposal.failing if each.name not in judgement.accepts]
    if failing:
        raise UncheckedError(
            f"the edited answer fails {', '.join(failing)}: edit it again, or accept by name "
            "what it fails"
        )
    return proposal
