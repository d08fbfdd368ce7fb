"""Texts become vectors by the embedder that a release names."""

from collections.abc import Callable, Sequence

from services.inference.embedder import Embedder, Kind
from services.inference.models.budgets import Payer, most_tokens
from services.inference.models.errors import DeniedError
from services.inference.models.metering import EMBEDDINGS, SPECIAL_TOKENS, Meter, Metered
from shared.events import ModelCall
from shared.retrieval import EmbedderParameters

Vectors = tuple[tuple[float, ...], ...]
EmbedderOf = Callable[[EmbedderParameters, float], tuple[Embedder, str]]
"""Returns the embedder, which has so many seconds, and its provider's kind; or `DeniedError`."""


class WrongLengthError(DeniedError):
    """The model's vectors are not as long as the release says; only an operator can mend that."""

    def __init__(self, told: EmbedderParameters, length: int) -> None:
        super().__init__(
            f"{told.model} gives vectors of {length} dimensions, the release says "
            f"{told.dimensions}: make a release that says {length}, or has `shortened`"
        )


class Embedding:
    """Embeds for all releases. `embedder_of` finds the model of one."""

    def __init__(self, embedder_of: EmbedderOf, meter: Meter) -> None:
        self._embedder_of = embedder_of
        self._meter = meter

    async def embed(  # noqa: PLR0913 - who pays, and what is kept of it
        self,
        told: EmbedderParameters,
        texts: Sequence[str],
        kind: Kind,
        *,
        payer: Payer,
        seconds: float,
        calls: list[ModelCall],
    ) -> Vectors:
        """Return the texts' vectors, within `seconds`; what it took is added to `calls`.

        Raises a `ModelError`.
        """
        embedder, system = self._embedder_of(told, seconds)
        prefix = (told.passage_prefix if kind == "passage" else told.question_prefix) or ""
        prefixed = [f"{prefix}{text}" for text in texts]

        async def work() -> tuple[Vectors, int]:
            embedded = await embedder.embed(prefixed, kind)
            if embedded.vectors and len(embedded.vectors[0]) != told.dimensions:
                raise WrongLengthError(told, len(embedded.vectors[0]))
            return embedded.vectors, embedded.input_tokens

        metered = Metered(
            told.model,
            system,
            EMBEDDINGS,
            payer,
            characters=sum(map(len, prefixed)),
            most=most_tokens(*prefixed) + SPECIAL_TOKENS * len(prefixed),
        )
        return await self._meter.call(metered, work, calls)
