"""One index for whatever release: nothing follows the documents."""

from services.inference.index import Index
from shared.release import Release


class Only:
    """Implements `services.inference.retrieval.Indexes`."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def of(self, _release: Release) -> Index:
        """Return the one."""
        return self._index
