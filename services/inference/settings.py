"""The settings of inference: its index, its models, and what they may cost."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.inference.models.pricing import Price
from services.inference.providers import ProviderSettings
from shared.settings import Settings


class InferenceSettings(Settings):
    """The shared settings, and those of inference."""

    qdrant_url: str | None = Field(
        default=None,
        description="Qdrant server (1.19 or later) that holds the index for all processes; not "
        "set, each has its own.",
    )
    qdrant_api_key: SecretStr | None = Field(
        default=None, description="API key of the Qdrant server."
    )
    qdrant_ca_file: Path | None = Field(
        default=None,
        description="Certificates of a private authority that the Qdrant server's is signed by; "
        "not set, the machine's own authorities count.",
    )
    qdrant_collection: str = Field(
        default="passages",
        min_length=1,
        description="Collection on the Qdrant server, after `GLIDESLOPE_TOPIC_PREFIX`.",
    )
    qdrant_timeout_seconds: int = Field(
        default=10, ge=1, description="Time that the Qdrant server has for an answer, seconds."
    )
    retired_indexes: tuple[str, ...] = Field(
        default=(),
        description="Index versions, by the names that the log has, that are neither built nor "
        "kept any more although a release names them. JSON list.",
    )
    retrieval_seconds: float = Field(
        default=3.0,
        gt=0,
        description="Time that embedding a question, and reranking, may take each, seconds; then "
        "passages are found without. A tenth of what the request's deadline leaves, if that is "
        "less.",
    )
    index_folder: Path | None = Field(
        default=None,
        description="Folder of the processes' own indexes; not set, `index` in the home folder.",
    )
    providers: dict[str, ProviderSettings] = Field(
        default={},
        description="Where models run, by the names that releases use: a JSON object, see "
        "[models](models.md). Without any, releases can name the extractive model alone.",
    )
    model_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Time that one call of a model may take, seconds; less if the request's "
        "deadline comes earlier.",
    )
    model_silence_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Time that a model may take to its first token, and from each to the next, "
        "seconds.",
    )
    model_patience_seconds: float = Field(
        default=2.0,
        gt=0,
        description="Time that a call waits for a place at a provider that is at its limit before "
        "the next model of the chain is asked, seconds.",
    )
    prices: dict[str, Price] = Field(
        default={},
        description="US dollars for a million tokens, by model as releases name it, or by "
        'provider: `{"gateway:large": {"input": 2.5, "output": 10}}`. What is not in it is priced '
        "by the list prices of genai-prices.",
    )
    budget_file: Path | None = Field(
        default=None,
        description="SQLite file that holds what tenants have spent; not set, `budgets.db` in the "
        "home folder. Processes of one machine share it.",
    )
    budget_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Part of every budget that this file has. Where inference runs on n machines "
        "with a file each: 1/n.",
    )
    planted_faults: bool = Field(
        default=False,
        description="For demonstrations only: alter a number in the answer to a request whose "
        "metadata asks for it with `planted_fault`.",
    )
