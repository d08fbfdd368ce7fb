"""A draft is what the generator makes of what its asker may read."""

import asyncio
from typing import Final

from services.inference.generator import Generator, Rejected, Task, parameters
from services.inference.index import Index
from shared.events import AnswerChecked, AnswerDrafted, Passage, RequestAccepted, Usage
from shared.release import Release

INLINE: Final = "inline"
"""Locator of a passage that came with the request; its id is the citation's document id."""


async def draft(
    request: RequestAccepted,
    release: Release,
    index: Index,
    generator: Generator,
    *,
    earlier: AnswerChecked | None = None,
) -> AnswerDrafted:
    """Return a draft from the request's own passages and the best that the index has.

    The asker's groups decide what is found; a request without a principal sees what everyone may.
    `earlier` is the attempt that was rejected; what it took counts in this one's usage.
    """
    attempt = earlier.attempt + 1 if earlier else 1
    found = await asyncio.to_thread(
        index.search,
        request.question,
        tenant=request.tenant,
        groups=request.principal.groups if request.principal else (),
        limit=parameters(release, attempt).passages,
    )
    passages = (*inline_passages(request), *(hit.passage for hit in found))
    rejected = _rejected(earlier) if earlier else None
    drafted = await generator.generate(Task(request, passages, release, attempt, rejected))
    return AnswerDrafted(
        request=request,
        attempt=attempt,
        answer=drafted.answer,
        passages=passages,
        usage=_added(drafted.usage, earlier.usage) if earlier else drafted.usage,
        claims=drafted.claims,
        repairs=drafted.repairs,
        calls=drafted.calls,
        referral=drafted.referral,
    )


def _rejected(earlier: AnswerChecked) -> Rejected:
    note = earlier.sent_back.note if earlier.sent_back else ""
    return Rejected(earlier.answer, earlier.checks, note)


def _added(usage: Usage, earlier: Usage) -> Usage:
    """Return the usage with what an earlier attempt took; the model is that of the later one."""
    return Usage(
        model=usage.model,
        input_tokens=usage.input_tokens + earlier.input_tokens,
        output_tokens=usage.output_tokens + earlier.output_tokens,
        cost_usd=usage.cost_usd + earlier.cost_usd,
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
