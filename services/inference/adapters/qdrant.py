"""Which of the two Qdrants the settings ask for."""

import ssl
from typing import Any

from services.inference.adapters.edge_store import EdgeStore
from services.inference.settings import InferenceSettings
from services.inference.store import Store


def store_for(settings: InferenceSettings) -> Store:
    """Return the server's indexes where its URL is set, else this process's own; not open."""
    if settings.qdrant_url is None:
        return EdgeStore(settings.index_folder or settings.home / "index")
    # imported here: half of the time of a start, for what an index of one's own does not need
    from qdrant_client import QdrantClient  # noqa: PLC0415 - see above

    from services.inference.adapters.server_store import ServerStore  # noqa: PLC0415 - see above

    key = settings.qdrant_api_key
    tls: dict[str, Any] = {}
    if settings.qdrant_ca_file is not None:
        tls["verify"] = ssl.create_default_context(cafile=settings.qdrant_ca_file)
    return ServerStore(
        lambda: QdrantClient(
            url=settings.qdrant_url,
            api_key=key.get_secret_value() if key else None,
            timeout=settings.qdrant_timeout_seconds,
            check_compatibility=False,  # the store asks for the version itself
            **tls,
        ),
        f"{settings.topic_prefix}{settings.qdrant_collection}",
    )
