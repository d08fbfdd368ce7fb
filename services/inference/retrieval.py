"""The passages that a question is answered from, as its release has them found."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from services.inference.generator import parameters
from services.inference.index import Index, Vector
from services.inference.models.budgets import Payer
from services.inference.models.deadline import time_for
from services.inference.models.embedding import Embedding
from services.inference.models.errors import ModelError
from services.inference.models.reranking import Reranking
from shared.events import ModelCall, Passage, RequestAccepted
from shared.metrics import RETRIEVAL_DEGRADED, Metrics
from shared.release import Release

_SHARE: Final = 0.1
"""Part of the time to the deadline that each model of retrieval has."""

log = structlog.get_logger(__name__)


class Indexes(Protocol):
    """The indexes of all releases that are in use."""

    async def of(self, release: Release) -> Index:
        """Return the release's. Raises `NotYetError` while it is being built."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found, the best first.

    `degraded` is what it had to be found without: see `AnswerDrafted.degraded`.
    """

    passages: tuple[Passage, ...]
    calls: tuple[ModelCall, ...] = ()
    degraded: tuple[str, ...] = ()


@dataclass(slots=True)
class _Attempt:
    """One question on its way through retrieval."""

    request: RequestAccepted
    release: Release
    calls: list[ModelCall] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)

    @property
    def payer(self) -> Payer:
        """Who pays for the models of retrieval: whoever pays for the answer."""
        return Payer(self.request.tenant, self.request.release, self.release.budget)


class Retrieval:
    """Finds passages. A model that fails makes what is found worse, and nothing else.

    Each model has `seconds`, or less if the asker's deadline is near.
    """

    def __init__(
        self, indexes: Indexes, embedding: Embedding, reranking: Reranking, *, seconds: float
    ) -> None:
        self._indexes = indexes
        self._embedding = embedding
        self._reranking = reranking
        self._seconds = seconds
        self._metrics = Metrics()

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self._metrics = metrics

    async def retrieve(self, request: RequestAccepted, release: Release, attempt: int) -> Retrieved:
        """Return the best passages that the asker may see.

        The asker's groups decide what is found; a request without a principal sees what everyone
        may. Raises `NotYetError` and whatever the index raises.
        """
        index = await self._indexes.of(release)
        task = _Attempt(request, release)
        limit = parameters(release, attempt).passages
        reranker = release.reranker
        hits = await asyncio.to_thread(
            index.search,
            request.question,
            tenant=request.tenant,
            groups=request.principal.groups if request.principal else (),
            limit=max(limit, reranker.candidates) if reranker else limit,
            vector=await self._vector(task),
        )
        passages = await self._reranked(task, [hit.passage for hit in hits])
        return Retrieved(tuple(passages[:limit]), tuple(task.calls), tuple(task.degraded))

    async def _vector(self, task: _Attempt) -> Vector | None:
        """Return the question's vector; None where the release has none, or it cannot be had."""
        told = task.release.embedder
        if told is None:
            return None
        try:
            (vector,) = await self._embedding.embed(
                told,
                [task.request.question],
                "question",
                payer=task.payer,
                seconds=self._time_for(task),
                calls=task.calls,
            )
        except ModelError as error:
            self._goes_without("embedder", error, task)
            return None
        return vector

    async def _reranked(self, task: _Attempt, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Return the passages in the reranker's order, or as they are."""
        told = task.release.reranker
        if told is None:
            return passages
        try:
            return await self._reranking.rerank(
                told,
                task.request.question,
                passages,
                payer=task.payer,
                seconds=self._time_for(task),
                calls=task.calls,
            )
        except ModelError as error:
            self._goes_without("reranker", error, task)
            return passages

    def _goes_without(self, part: str, error: ModelError, task: _Attempt) -> None:
        task.degraded.append(f"{part}: {error.code}")
        self._metrics.count(RETRIEVAL_DEGRADED, part, error.code)
        log.warning("retrieval degraded", part=part, outcome=error.code, reason=str(error))

    def _time_for(self, task: _Attempt) -> float:
        return time_for(task.request, self._seconds, share=_SHARE)
