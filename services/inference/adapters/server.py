"""An index on a Qdrant server that all inference processes share: a collection."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from services.inference.adapters.filters import BATCH, DENSE, SPARSE, Filters
from services.inference.adapters.heads import GONE, Head, Heads, later
from services.inference.bm25 import SparseVector, question_vector
from services.inference.index import (
    BEGINNING,
    FUSION_K,
    Found,
    Position,
    Vector,
    derived,
    entries,
    fusion_depth,
    ids,
    ranked,
    version_of,
)
from services.inference.store import Progress
from shared.delivery import OverloadedError
from shared.events import DocumentAccepted, Passage


class IndexUnavailableError(OverloadedError):
    """The Qdrant server does not do its part; no request is the worse for it, they wait."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "qdrant",
            f"the server fails ({type(error).__name__}): see that it runs, and check "
            "GLIDESLOPE_QDRANT_URL, GLIDESLOPE_QDRANT_API_KEY and GLIDESLOPE_QDRANT_CA_FILE",
        )


class _Dialect:
    """Implements `Dialect` for a Qdrant server."""

    def equal(self, field: str, value: str) -> Any:
        return models.FieldCondition(key=field, match=models.MatchValue(value=value))

    def among(self, field: str, values: Sequence[str]) -> Any:
        return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))

    def after(self, field: str, moment: float) -> Any:
        return models.FieldCondition(key=field, range=models.Range(gt=moment))

    def has_vector(self, name: str) -> Any:
        return models.HasVectorCondition(has_vector=name)

    def all_of(self, conditions: Sequence[Any], *, but: Sequence[Any] = ()) -> Any:
        return models.Filter(must=list(conditions), must_not=list(but))


_filters: Final = Filters(_Dialect())


class ServerIndex:
    """Implements `services.inference.store.KeptIndex`; the collection is made where it is not.

    It belongs to one deployment, of which all processes write it and answer from it.
    """

    def __init__(
        self, client: QdrantClient, collection: str, dimensions: int | None = None
    ) -> None:
        self._client: Any = client
        self._collection = collection
        self._writing = threading.Lock()
        with failing_as_unavailable():
            self._create(dimensions)
            self._heads = Heads(client, collection)

    @property
    def identity(self) -> str:
        """See `KeptIndex.identity`."""
        return self._heads.identity

    def close(self) -> None:
        """See `KeptIndex.close`; the connection is the store's."""

    def adopt(self, source: str) -> None:
        """See `KeptIndex.adopt`; raises `ForeignIndexError`, since others may use what is there."""
        with failing_as_unavailable():
            self._heads.adopt(source)

    def progress(self, reader: str) -> Progress:
        """See `KeptIndex.progress`; the positions are those of the consumer group."""
        with failing_as_unavailable():
            return Progress({}, is_complete=self._heads.is_complete(reader))

    def keep_progress(self, reader: str, progress: Progress) -> None:
        """See `KeptIndex.keep_progress`; what is written is durable already."""
        if progress.is_complete:
            with failing_as_unavailable():
                self._heads.complete(reader)

    def reset(self) -> None:
        """See `KeptIndex.reset`; others use what is there."""

    def replace(self, document: DocumentAccepted, at: Position = BEGINNING) -> None:
        """See `Index.replace`."""
        version, place = version_of(document), {"partition": at.partition, "offset": at.offset}
        this, not_later = _filters.this_version(document), models.Filter(must_not=[later(at)])
        with self._writing, failing_as_unavailable():
            if self._count(this) == len({*ids(document)}):
                still = models.Filter(must=[this, not_later])
                self._client.set_payload(self._collection, place, still, wait=True)
            else:
                points = [
                    models.PointStruct(
                        id=_id(entry.id, version),
                        vector={SPARSE: _sparse(entry.vector)},
                        payload={**entry.payload, **place},
                    )
                    for entry in entries(document)
                ]
                for start in range(0, len(points), BATCH):
                    self._client.upsert(
                        self._collection,
                        points[start : start + BATCH],
                        update_filter=not_later,
                        wait=True,
                    )
            self._move(document.tenant, document.document_id, version, at)

    def remove(self, tenant: str, document_id: str, at: Position = BEGINNING) -> None:
        """See `Index.remove`."""
        with self._writing, failing_as_unavailable():
            self._move(tenant, document_id, GONE, at)

    def lacks_vectors(self, document: DocumentAccepted) -> bool:
        """See `Index.lacks_vectors`."""
        with failing_as_unavailable():
            with_vectors = self._count(_filters.this_version(document, with_vector=DENSE))
            return with_vectors < self._count(_filters.this_version(document))

    def add_vectors(self, document: DocumentAccepted, vectors: Sequence[Vector]) -> None:
        """See `Index.add_vectors`."""
        with self._writing, failing_as_unavailable():
            if not self.lacks_vectors(document):
                return
            version = version_of(document)
            points = [
                models.PointVectors(id=_id(id_, version), vector={DENSE: list(vector)})
                for id_, vector in zip(ids(document), vectors, strict=True)
            ]
            for start in range(0, len(points), BATCH):
                self._client.update_vectors(
                    self._collection, points[start : start + BATCH], wait=True
                )

    def search(
        self,
        question: str,
        *,
        tenant: str,
        groups: Iterable[str],
        limit: int,
        vector: Vector | None = None,
    ) -> list[Found]:
        """See `Index.search`; what is found of a state that holds no more is left out."""
        wanted = limit
        while True:
            hits = self._hits(question, tenant, groups, wanted, vector)
            with failing_as_unavailable():
                newest = self._heads.versions(tenant, {hit["document"] for hit, _ in hits})
            holding = [
                (hit, score) for hit, score in hits if newest.get(hit["document"]) == hit["version"]
            ]
            if len(holding) == len(hits) or len(holding) >= limit or len(hits) < wanted:
                return ranked(
                    Found(Passage.model_validate(hit["passage"]), score)
                    for hit, score in holding[:limit]
                )
            wanted *= 2  # a document is being replaced just now, and both its states were found

    def _hits(
        self,
        question: str,
        tenant: str,
        groups: Iterable[str],
        limit: int,
        vector: Vector | None,
    ) -> list[tuple[Mapping[str, Any], float]]:
        """Return the payloads of what matches best, of whatever state, with their scores."""
        words = question_vector(question)
        if not words.indices and vector is None:
            return []
        visible = _filters.visible(tenant, groups)
        params = models.SearchParams(idf=models.IdfCorpusParams(corpus=visible))
        if vector is None:
            told: dict[str, Any] = {
                "query": _sparse(words),
                "using": SPARSE,
                "query_filter": visible,
                "search_params": params,
            }
        else:
            depth = fusion_depth(limit)
            prefetches = [
                models.Prefetch(query=list(vector), using=DENSE, filter=visible, limit=depth)
            ]
            if words.indices:
                prefetches.append(
                    models.Prefetch(
                        query=_sparse(words),
                        using=SPARSE,
                        filter=visible,
                        params=params,
                        limit=depth,
                    )
                )
            told = {
                "prefetch": prefetches,
                "query": models.RrfQuery(rrf=models.Rrf(k=FUSION_K)),
            }
        with failing_as_unavailable():
            response = self._client.query_points(
                self._collection,
                limit=limit,
                with_payload=["passage", "document", "version"],
                **told,
            )
        return [(hit.payload, hit.score) for hit in response.points if hit.payload]

    def _move(self, tenant: str, document_id: str, version: str, at: Position) -> None:
        """Let a state hold unless a later one does, and delete what does not hold."""
        head = self._heads.move(tenant, document_id, version, at)
        self._delete(_outdated(tenant, document_id, head))

    def _count(self, filter_: Any) -> int:
        count: int = self._client.count(self._collection, count_filter=filter_, exact=True).count
        return count

    def _delete(self, filter_: Any) -> None:
        self._client.delete(self._collection, models.FilterSelector(filter=filter_), wait=True)

    def _create(self, dimensions: int | None) -> None:
        dense = {}
        if dimensions is not None:
            size = models.VectorParams(size=dimensions, distance=models.Distance.COSINE)
            dense = {DENSE: size}
        sparse = {SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)}
        if not self._client.collection_exists(self._collection):
            try:
                self._client.create_collection(
                    self._collection, vectors_config=dense, sparse_vectors_config=sparse
                )
            except UnexpectedResponse:
                # another process may have been quicker
                if not self._client.collection_exists(self._collection):
                    raise
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        self._client.create_payload_index(self._collection, "tenant", tenant)
        for field in ("groups", "document", "version"):
            self._client.create_payload_index(
                self._collection, field, models.PayloadSchemaType.KEYWORD
            )
        for field in ("partition", "offset"):
            self._client.create_payload_index(
                self._collection, field, models.PayloadSchemaType.INTEGER
            )
        self._client.create_payload_index(
            self._collection, "valid_from", models.PayloadSchemaType.FLOAT
        )


@contextmanager
def failing_as_unavailable() -> Iterator[None]:
    """Raise `IndexUnavailableError` where the client says that the server fails or refuses."""
    try:
        yield
    except (ResponseHandlingException, UnexpectedResponse) as error:
        raise IndexUnavailableError(error) from error


def _outdated(tenant: str, document_id: str, head: Head) -> models.Filter:
    """Return what is of the document, and neither of its head nor from after it."""
    return models.Filter(
        must=[_filters.document(tenant, document_id)],
        must_not=[_filters.dialect.equal("version", head.version), later(head.at)],
    )


def _id(entry: UUID, version: str) -> str:
    """Return the id of an entry in this version of its document: no two versions share a point."""
    return str(derived(str(entry), version))


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices, values=vector.values)
