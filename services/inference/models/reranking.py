"""Found passages are put in order by the reranker that a release names."""

from collections.abc import Callable, Sequence

from services.inference.models.budgets import Payer, most_tokens
from services.inference.models.metering import RERANK, SPECIAL_TOKENS, Meter, Metered
from services.inference.reranker import Reranker
from shared.events import ModelCall, Passage
from shared.retrieval import RerankerParameters

RerankerOf = Callable[[RerankerParameters, float], tuple[Reranker, str]]
"""Returns the reranker, which has so many seconds, and its provider's kind; or `DeniedError`."""


class Reranking:
    """Reranks for all releases. `reranker_of` finds the model of one."""

    def __init__(self, reranker_of: RerankerOf, meter: Meter) -> None:
        self._reranker_of = reranker_of
        self._meter = meter

    async def rerank(  # noqa: PLR0913 - who pays, and what is kept of it
        self,
        told: RerankerParameters,
        question: str,
        passages: Sequence[Passage],
        *,
        payer: Payer,
        seconds: float,
        calls: list[ModelCall],
    ) -> list[Passage]:
        """Return the passages, the best first, within `seconds`; equal ones stay in their order.

        What it took is added to `calls`. Raises a `ModelError`.
        """
        if not passages:
            return []
        reranker, system = self._reranker_of(told, seconds)
        texts = [f"{each.title}\n{each.text}" if each.title else each.text for each in passages]

        async def work() -> tuple[tuple[float, ...], int]:
            reranked = await reranker.rerank(question, texts)
            return reranked.scores, reranked.input_tokens

        metered = Metered(
            told.model,
            system,
            RERANK,
            payer,
            characters=sum(map(len, texts)) + len(texts) * len(question),
            most=most_tokens(*texts) + len(texts) * (most_tokens(question) + SPECIAL_TOKENS),
        )
        scores = await self._meter.call(metered, work, calls)
        order = sorted(range(len(passages)), key=lambda number: -scores[number])
        return [passages[number] for number in order]
