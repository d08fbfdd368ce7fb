"""How a release finds passages beyond their words: embeddings, and a reranker."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ProviderModel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*:.+$")]
"""`provider:model`: one of GLIDESLOPE_PROVIDERS, and its name for a model."""


class EmbedderParameters(BaseModel):
    """The model whose vectors passages are also found by.

    `dimensions` is the length of its vectors; with `shortened` the model is asked for that length
    (models that were trained for it, such as text-embedding-3 or Titan V2), else it has to be the
    model's own. The prefixes stand before what is embedded, for models that want that (E5's
    `query: ` and `passage: `).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ProviderModel
    dimensions: Annotated[int, Field(ge=1, le=65_536)]
    shortened: bool | None = None
    passage_prefix: str | None = None
    question_prefix: str | None = None


class RerankerParameters(BaseModel):
    """The model that reads the question with each of the best `candidates` and orders them anew."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ProviderModel
    candidates: Annotated[int, Field(ge=1, le=200)]
