"""The indexes of all processes, on a Qdrant server: a collection for each index version."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, Self

from qdrant_client import QdrantClient

from services.inference.adapters.server import ServerIndex, failing_as_unavailable
from services.inference.versions import IndexVersion
from shared.delivery import FatalError

OLDEST: Final = (1, 19)
"""Statistics of a filtered corpus came with 1.19, conditional writes with 1.16 and 1.17."""


class OldServerError(FatalError):
    """The server lacks what keeps tenants apart in word statistics, or late writers out."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"the Qdrant server has version {version}: {OLDEST[0]}.{OLDEST[1]} or later is "
            "needed, since earlier ones leave out the filters of word statistics and of writes"
        )


class ServerStore:
    """Implements `services.inference.store.Store`.

    Every call raises `IndexUnavailableError` when the server cannot be reached or refuses.
    """

    is_shared: ClassVar = True

    def __init__(self, connect: Callable[[], QdrantClient], collection: str) -> None:
        """Use the server that `connect` reaches, and collections whose names begin so."""
        self._connect = connect
        self._collection = collection
        self._client: Any = None

    def __enter__(self) -> Self:
        """Connect. Raises `OldServerError`."""
        with failing_as_unavailable():
            self._client = self._connect()
            self._client.get_collections()
            version = self._client.info().version
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise OldServerError(version)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, version: IndexVersion) -> "ServerIndex":
        """See `Store.open`."""
        return ServerIndex(self._client, self._name(version.name), version.dimensions)

    def drop(self, *, retired: Iterable[str], used: Iterable[str]) -> list[str]:  # noqa: ARG002 - others may use what we do not
        """See `Store.drop`; a version that others have begun to use is none of ours to judge."""
        dropped = []
        with failing_as_unavailable():
            for version in sorted(retired):
                if self._client.collection_exists(self._name(version)):
                    self._client.delete_collection(self._name(version))
                    dropped.append(version)
        return dropped

    def _name(self, version: str) -> str:
        return f"{self._collection}-{version}"
