"""Which of the two Qdrant indexes the settings ask for."""

from typing import Protocol, Self

from services.inference.adapters.edge import EdgeIndex
from services.inference.index import Index
from services.inference.settings import InferenceSettings


class QdrantIndex(Index, Protocol):
    """An index that is open as long as its context."""

    def __enter__(self) -> Self:
        """Open it."""

    def __exit__(self, *_: object) -> None:
        """Close it."""


def index_for(settings: InferenceSettings) -> QdrantIndex:
    """Return the server's index where its URL is set, else one of this process's own; not open."""
    if settings.qdrant_url is None:
        return EdgeIndex(settings.index_folder or settings.home / "index")
    # imported here: half of the time of a start, for what an index of one's own does not need
    from qdrant_client import QdrantClient  # noqa: PLC0415 - see above

    from services.inference.adapters.server import ServerIndex  # noqa: PLC0415 - see above

    key = settings.qdrant_api_key
    return ServerIndex(
        lambda: QdrantClient(
            url=settings.qdrant_url,
            api_key=key.get_secret_value() if key else None,
            timeout=settings.qdrant_timeout_seconds,
        ),
        f"{settings.topic_prefix}{settings.qdrant_collection}",
    )
