"""What turns texts into vectors, for dense retrieval; without one, retrieval is BM25 alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["passage", "question"]
"""Some models have one vector space with two entrances."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector for each text, in their order, and how many tokens were read (0: not told)."""

    vectors: tuple[tuple[float, ...], ...]
    input_tokens: int = 0


class Embedder(Protocol):
    """An embedding model. All its vectors are of one length."""

    async def embed(self, texts: Sequence[str], kind: Kind) -> Embedded:
        """Return the texts' vectors. Raises a `ModelError` if one of them cannot be had."""
