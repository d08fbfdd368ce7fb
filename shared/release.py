"""A release: everything that decides how a question is answered, as one immutable manifest.

A request is pinned to a release when it is accepted; every later stage and every replay uses
exactly that one. A release is named by its content, so two manifests that differ in anything
have different names.
"""

import hashlib
from typing import Annotated, Any, Final, Literal, Protocol

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.calibration import Calibration
from shared.policy import Policy
from shared.retrieval import EmbedderParameters, RerankerParameters

EXTRACTIVE: Final = "extractive"
"""The model that is none: it quotes sentences of the passages."""
REVIEW: Final = "review"
"""At the end of a chain: a person answers."""
SHORT: Final = 12
"""Digits of a content hash that people, and metrics, are shown."""

ModelName = Annotated[str, StringConstraints(pattern=r"^(extractive|[a-z0-9][a-z0-9-]*:.+)$")]
"""`extractive`, or `provider:model`: one of GLIDESLOPE_PROVIDERS, and its name for a model."""
FallbackName = Annotated[
    str, StringConstraints(pattern=r"^(extractive|review|[a-z0-9][a-z0-9-]*:.+)$")
]
"""A `ModelName`, or `review`."""
JudgeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*:.+$")]
"""`server:model`: one of GLIDESLOPE_JUDGES, and its name for a model."""


class GeneratorParameters(BaseModel):
    """How an answer is written: the model, and how much it is given to read and to say.

    `sentences` is the most that the extractive model quotes. `fallbacks` are asked in turn when
    what stands before them fails; without any, requests wait until `model` is back. With
    `hedge_after_seconds` the next model is asked as well when one has not answered by then, and
    the first good answer counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName
    passages: Annotated[int, Field(ge=1, le=100)]
    sentences: Annotated[int, Field(ge=1, le=50)]
    fallbacks: tuple[FallbackName, ...] | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    hedge_after_seconds: Annotated[float, Field(gt=0)] | None = None

    @property
    def chain(self) -> tuple[str, ...]:
        """What is asked in turn, each once."""
        return tuple(dict.fromkeys((self.model, *(self.fallbacks or ()))))


class Budget(BaseModel):
    """What one tenant may spend under a release on one day (UTC), on models that cost something.

    `usd` is in US dollars, `calls` are calls of models; None bounds nothing. When the next call
    does not fit, `over` says what follows: the models further down the chain that still fit
    (`cheaper`), a person (`review`), or a refusal with the reason (`refuse`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: Annotated[float, Field(ge=0)] | None = None
    calls: Annotated[int, Field(ge=0)] | None = None
    over: Literal["cheaper", "review", "refuse"] = "cheaper"


class Thresholds(BaseModel):
    """Where an answer may go by the probability that it is supported.

    At `approve` or above it may leave without a person, if a calibration says so: its certificate
    holds the same figure. Under `refuse` it is not worth one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: Annotated[float, Field(ge=0, le=1)]
    refuse: Annotated[float, Field(ge=0, le=1)]


class Judge(BaseModel):
    """A language model that checks answers (the check `judge`), beside the validator's own checks.

    `unavailable` says what follows where it gives no answer, or none that can be read: a person
    looks (`review`), or the other checks decide alone (`ignore`); either way that is recorded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: JudgeName
    max_output_tokens: Annotated[int, Field(ge=1)] = 2_000
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    unavailable: Literal["review", "ignore"] = "review"


class ReviewRules(BaseModel):
    """What a release asks of the people who review its answers.

    With `four_eyes` two different people decide, each without the other's word. `reasons` are
    those for which an answer may be rejected; any words do where there is no list. An item that
    asks for a `skill` is for those who have it. `within_seconds` is how soon it should be decided.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    four_eyes: bool | None = None
    reasons: tuple[Annotated[str, StringConstraints(min_length=1)], ...] | None = None
    skill: Annotated[str, StringConstraints(min_length=1)] | None = None
    within_seconds: Annotated[float, Field(gt=0)] | None = None


class Release(BaseModel):
    """The manifest. `stronger` is what makes the second try of an answer that failed a check.

    `prompt` is the revision of the prompt that models are asked with (`extractive-1`: none is).
    `index_version` is the revision of how passages are cut and their words weighed. Together with
    `embedder` it decides which index answers (see ADR 18).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    prompt: str
    generator: GeneratorParameters
    stronger: GeneratorParameters
    embedding: Literal["bm25"]
    index_version: str
    checks: tuple[str, ...]
    answer_max_characters: Annotated[int, Field(ge=1)]
    thresholds: Thresholds
    budget: Budget | None = None
    policy: Policy | None = None
    calibration: Calibration | None = None
    """None: never calibrated; only quotes are approved."""
    shadow_checks: tuple[str, ...] | None = None
    """Checks that are run and recorded, and decide nothing."""
    judge: Judge | None = None
    """Whom the check `judge` asks, where `checks` or `shadow_checks` name it."""
    embedder: EmbedderParameters | None = None
    """Passages are found by its vectors too, fused with BM25; None: by BM25 alone."""
    reranker: RerankerParameters | None = None
    """What is found is put in its order; None: it stays in the order in which it was found."""
    review: ReviewRules | None = None
    """What is asked of the people who review its answers."""

    def content_hash(self) -> str:
        """Return the release's name: SHA-256, in hex, of its canonical JSON (RFC 8785).

        What is not set (None) is left out, so a manifest keeps its name when a later version of
        Glideslope knows more optional fields: these default to None.
        """
        manifest: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return hashlib.sha256(rfc8785.dumps(manifest)).hexdigest()


class UnknownReleaseError(LookupError):
    """A request is pinned to a release that this service does not have."""

    def __init__(self, release: str) -> None:
        super().__init__(
            f"release {release} is not on the topic `releases`: "
            "register it there, then redrive the record"
        )


class Releases(Protocol):
    """Where a release is looked up by the content hash that a request is pinned to."""

    async def get(self, release: str) -> Release:
        """Return the release. Raises `UnknownReleaseError`."""


BUILT_IN = Release(
    name="built-in",
    prompt="extractive-1",
    generator=GeneratorParameters(model="extractive", passages=6, sentences=3),
    stronger=GeneratorParameters(model="extractive", passages=12, sentences=2),
    embedding="bm25",
    index_version="bm25-1",
    checks=(
        "not_empty",
        "length",
        "refusal",
        "relevance",
        "citations",
        "figures",
        "consistency",
        "personal_data",
        "secrets",
        "injection",
        "policy",
        "verbatim",
        "groundedness",
    ),
    answer_max_characters=4_000,
    thresholds=Thresholds(approve=0.9, refuse=0.05),
)
"""What a fresh installation answers with: no model to download, nothing to pay."""
