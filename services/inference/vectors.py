"""Accepted documents get their vectors, whatever the embedder does meanwhile."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import stamina
import structlog

from services.inference.index import Index, Vector
from services.inference.models.budgets import Payer
from services.inference.models.embedding import Embedding
from services.inference.models.errors import ModelError
from shared.events import DocumentAccepted
from shared.retrieval import EmbedderParameters

_PASSAGES: Final = 64
"""How many passages are embedded in one go, unless a single document has more."""
_WAIT_MAX_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


class DocumentVectors:
    """Embeds documents that an index has without vectors, and gives it these.

    A call may take `seconds`. While the embedder is down, it is asked again and again, and
    `trouble` says why; a document that it refuses is counted in `refused` and stays as it is.
    """

    def __init__(
        self, index: Index, told: EmbedderParameters, embedding: Embedding, *, seconds: float
    ) -> None:
        self._index = index
        self._told = told
        self._embedding = embedding
        self._seconds = seconds
        self.trouble = ""
        self.refused = 0

    async def add(self, documents: Sequence[DocumentAccepted]) -> None:
        """Return once every document has its vectors, was refused, or is there no more."""
        for group in _groups(documents):
            if lacking := await asyncio.to_thread(self._lacking, group):
                await self._add(lacking)

    def _lacking(self, documents: Sequence[DocumentAccepted]) -> list[DocumentAccepted]:
        return [each for each in documents if self._index.lacks_vectors(each)]

    async def _add(self, documents: Sequence[DocumentAccepted]) -> None:
        try:
            vectors = await self._embedded(documents)
        except ModelError as error:
            if len(documents) == 1:
                self._refuse(documents[0], error)
                return
            for document in documents:  # one of them is to blame
                await self._add([document])
            return
        begin = 0
        for document in documents:
            end = begin + len(document.passages)
            await asyncio.to_thread(self._index.add_vectors, document, vectors[begin:end])
            begin = end

    async def _embedded(self, documents: Sequence[DocumentAccepted]) -> Sequence[Vector]:
        """Return a vector for each passage. Raises a `ModelError` that another try cannot mend."""
        texts = [
            _text(document, n) for document in documents for n in range(len(document.passages))
        ]
        async for attempt in stamina.retry_context(
            on=_again, attempts=None, timeout=None, wait_max=_WAIT_MAX_SECONDS
        ):
            with attempt:
                try:
                    vectors = await self._embedding.embed(
                        self._told,
                        texts,
                        "passage",
                        payer=Payer(documents[0].tenant),
                        seconds=self._seconds,
                        calls=[],
                    )
                except ModelError as error:
                    self.trouble = f"{self._told.model}: {error.code}: {error}"
                    raise
                self.trouble = ""
        return vectors

    def _refuse(self, document: DocumentAccepted, error: ModelError) -> None:
        self.trouble = ""
        self.refused += 1
        log.error(
            "document_unembedded",
            document=document.document_id,
            tenant=document.tenant,
            outcome=error.code,
            advice="it is found by BM25 alone; send it with shorter pages, then it is tried again",
        )


def _groups(documents: Sequence[DocumentAccepted]) -> Iterator[list[DocumentAccepted]]:
    """Cut documents, without the deleted, into what is embedded in one go for one tenant."""
    group: list[DocumentAccepted] = []
    for document in documents:
        if document.deleted or not document.passages:
            continue
        passages = sum(len(each.passages) for each in group) + len(document.passages)
        if group and (passages > _PASSAGES or group[0].tenant != document.tenant):
            yield group
            group = []
        group.append(document)
    if group:
        yield group


def _text(document: DocumentAccepted, number: int) -> str:
    passage = document.passages[number]
    title = passage.title or document.title
    return f"{title}\n{passage.text}" if title else passage.text


def _again(error: Exception) -> bool | float:
    """Whether to ask again; a number says after how many seconds."""
    if not isinstance(error, ModelError) or not error.is_outage:
        return False
    return getattr(error, "retry_after", None) or True
