"""A draft is what the generator makes of what its asker may read."""

from typing import Final

from services.inference.generator import Generator, Rejected, Task
from services.inference.retrieval import Retrieval
from shared.events import (
    AnswerChecked,
    AnswerDrafted,
    ModelCall,
    Passage,
    RequestAccepted,
    Usage,
)
from shared.release import Release

INLINE: Final = "inline"
"""Locator of a passage that came with the request; its id is the citation's document id."""


async def draft(
    request: RequestAccepted,
    release: Release,
    retrieval: Retrieval,
    generator: Generator,
    *,
    earlier: AnswerChecked | None = None,
) -> AnswerDrafted:
    """Return a draft from the request's own passages and the best that the index has.

    `earlier` is the attempt that was rejected; what it took counts in this one's usage.
    """
    attempt = earlier.attempt + 1 if earlier else 1
    found = await retrieval.retrieve(request, release, attempt)
    passages = (*inline_passages(request), *found.passages)
    rejected = _rejected(earlier) if earlier else None
    drafted = await generator.generate(Task(request, passages, release, attempt, rejected))
    return AnswerDrafted(
        request=request,
        attempt=attempt,
        answer=drafted.answer,
        passages=passages,
        usage=_added(
            drafted.usage,
            *(_usage(call) for call in found.calls),
            *([earlier.usage] if earlier else []),
        ),
        claims=drafted.claims,
        repairs=drafted.repairs,
        calls=(*found.calls, *drafted.calls),
        referral=drafted.referral,
        degraded=found.degraded,
    )


def _rejected(earlier: AnswerChecked) -> Rejected:
    note = earlier.sent_back.note if earlier.sent_back else ""
    return Rejected(earlier.answer, earlier.checks, note)


def _added(usage: Usage, *others: Usage) -> Usage:
    """Return the usage with what retrieval, or an earlier attempt, took; its model stays."""
    every = (usage, *others)
    return Usage(
        model=usage.model,
        input_tokens=sum(each.input_tokens for each in every),
        output_tokens=sum(each.output_tokens for each in every),
        cost_usd=sum(each.cost_usd for each in every),
    )


def _usage(call: ModelCall) -> Usage:
    return Usage(
        model=call.model,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cost_usd=call.cost_usd,
    )


def inline_passages(request: RequestAccepted) -> tuple[Passage, ...]:
    """Return the passages that the sender brought along, apart from any indexed one by locator."""
    return tuple(
        Passage(
            id=f"{INLINE}/{passage.id}",
            document_id=passage.id,
            locator=INLINE,
            text=passage.text,
        )
        for passage in request.passages
    )
