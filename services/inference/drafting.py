"""A draft is what the generator makes of what its asker may read."""

import asyncio
from typing import Final

from services.inference.generator import Generator, Rejected, Task
from services.inference.index import Index
from shared.events import AnswerDrafted, Passage, RequestAccepted
from shared.release import GeneratorParameters

INLINE: Final = "inline"
"""Locator of a passage that came with the request; its id is the citation's document id."""


async def draft(  # noqa: PLR0913 - what a draft depends on
    request: RequestAccepted,
    parameters: GeneratorParameters,
    index: Index,
    generator: Generator,
    *,
    attempt: int = 1,
    rejected: Rejected | None = None,
) -> AnswerDrafted:
    """Return a draft from the request's own passages and the best that the index has.

    The asker's groups decide what is found; a request without a principal sees what everyone may.
    """
    found = await asyncio.to_thread(
        index.search,
        request.question,
        tenant=request.tenant,
        groups=request.principal.groups if request.principal else (),
        limit=parameters.passages,
    )
    passages = (*inline_passages(request), *(hit.passage for hit in found))
    task = Task(request, passages, parameters, attempt, rejected)
    drafted = await generator.generate(task)
    return AnswerDrafted(
        request=request,
        attempt=attempt,
        answer=drafted.answer,
        passages=passages,
        usage=drafted.usage,
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
