"""Which of the two Qdrant indexes the settings ask for."""

from qdrant_client import QdrantClient

from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.server import ServerIndex
from services.inference.settings import InferenceSettings

QdrantIndex = EdgeIndex | ServerIndex


def index_for(settings: InferenceSettings) -> QdrantIndex:
    """Return the server's index where its URL is set, else one of this process's own; not open."""
    if settings.qdrant_url is None:
        return EdgeIndex(settings.index_folder or settings.home / "index")
    key = settings.qdrant_api_key
    return ServerIndex(
        lambda: QdrantClient(
            url=settings.qdrant_url,
            api_key=key.get_secret_value() if key else None,
            timeout=settings.qdrant_timeout_seconds,
        ),
        f"{settings.topic_prefix}{settings.qdrant_collection}",
    )
