"""Which state of each document holds on a Qdrant server that several processes write.

A process that was frozen while its group went on without it, and then writes, must not bring back
what was deleted meanwhile. So each document has a **head**, a point without vectors: the version
that holds, and where its record stands. A head only ever moves forward, and a passage that is found
counts if it is of its document's head. Reading the heads costs a search one more round trip.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from qdrant_client import models

from services.inference.index import Position, derived
from shared.delivery import FatalError

GONE: Final = ""
"""The version of a document that is deleted."""
_IDENTITY: Final = str(derived("identity", "", "", "", ""))
_STRONG: Final = models.WriteOrdering.STRONG


class IndexReplacedError(FatalError):
    """A collection was deleted and made again while this process used it."""

    def __init__(self, collection: str) -> None:
        super().__init__(
            f"the collection {collection} on the Qdrant server is not the one that this process "
            "began with: start it again, then it helps to build the new one"
        )


class ForeignIndexError(FatalError):
    """A collection holds the documents of another topic."""

    def __init__(self, collection: str, holds: str, source: str) -> None:
        super().__init__(
            f"the collection {collection} on the Qdrant server holds the documents of {holds}, not "
            f"those of {source}: set GLIDESLOPE_QDRANT_COLLECTION to a name of your own"
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a document that holds."""

    version: str
    at: Position


class Heads:
    """The heads of a collection. Their calls raise what the client raises."""

    def __init__(self, client: Any, collection: str) -> None:
        self._client = client
        self._collection = collection
        self.identity = self._begun()
        """See `KeptIndex.identity`."""

    def adopt(self, source: str) -> None:
        """Note what topic the collection is built from. Raises `ForeignIndexError`."""
        if self._noted("source") is None:
            self._note({"source": source})
        if (holds := self._noted("source")) != source:
            raise ForeignIndexError(self._collection, str(holds), source)

    def is_complete(self, reader: str) -> bool:
        """Return whether `complete` was called of that reader, by whatever process."""
        return bool(self._noted(f"complete_{reader}"))

    def complete(self, reader: str) -> None:
        """Note that the reader has got to the topic's end once."""
        self._note({f"complete_{reader}": True})

    def move(self, tenant: str, document_id: str, version: str, at: Position) -> Head:
        """Let this state hold, unless a later one does; return the one that does."""
        id_ = _id(tenant, document_id)
        payload = {
            "tenant": tenant,
            "head": document_id,
            "version": version,
            "partition": at.partition,
            "offset": at.offset,
        }
        self._client.upsert(
            self._collection,
            [models.PointStruct(id=id_, vector={}, payload=payload)],
            update_filter=models.Filter(must_not=[later(at)]),
            ordering=_STRONG,
            wait=True,
        )
        found = self._read([id_])[id_]
        return Head(found["version"], Position(found["partition"], found["offset"]))

    def versions(self, tenant: str, document_ids: Collection[str]) -> dict[str, str]:
        """Return by id the versions of the tenant's documents that hold."""
        wanted = {_id(tenant, each): each for each in document_ids}
        found = self._read(list(wanted))
        return {name: found[id_]["version"] for id_, name in wanted.items() if id_ in found}

    def _read(self, ids: list[str]) -> dict[str, Mapping[str, Any]]:
        """Return payloads by id; of no other collection than the one that we began with."""
        points = self._client.retrieve(self._collection, [_IDENTITY, *ids], with_payload=True)
        found = {str(each.id): each.payload for each in points}
        if found.get(_IDENTITY, {}).get("identity") != self.identity:
            raise IndexReplacedError(self._collection)
        return found

    def _begun(self) -> str:
        mine = models.PointStruct(id=_IDENTITY, vector={}, payload={"identity": str(uuid4())})
        self._client.upsert(
            self._collection,
            [mine],
            update_mode=models.UpdateMode.INSERT_ONLY,
            ordering=_STRONG,
            wait=True,
        )
        return str(self._noted("identity"))

    def _noted(self, name: str) -> Any:
        (point,) = self._client.retrieve(self._collection, [_IDENTITY], with_payload=True)
        return point.payload.get(name)

    def _note(self, payload: Mapping[str, Any]) -> None:
        self._client.set_payload(self._collection, dict(payload), [_IDENTITY], wait=True)


def later(at: Position) -> models.Filter:
    """Return what was written from a record that stands after `at`.

    Positions in another partition are not compared: the topic has got more partitions since.
    """
    return models.Filter(
        must=[
            models.FieldCondition(key="partition", match=models.MatchValue(value=at.partition)),
            models.FieldCondition(key="offset", range=models.Range(gt=at.offset)),
        ]
    )


def _id(tenant: str, document_id: str) -> str:
    return str(derived("head", "", "", tenant, document_id))
