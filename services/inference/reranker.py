"""What puts found passages in the order in which they answer the question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reranked:
    """A score for each text, in their order, and how many tokens were read (0: not told)."""

    scores: tuple[float, ...]
    input_tokens: int = 0


class Reranker(Protocol):
    """A model that reads a question together with each text."""

    async def rerank(self, question: str, texts: Sequence[str]) -> Reranked:
        """Return how well each text answers. Raises a `ModelError` if that cannot be had."""
