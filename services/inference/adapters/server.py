"""The index on a Qdrant server, shared by all inference processes."""

from collections.abc import Iterable
from typing import Any, Final

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from services.inference.bm25 import SparseVector, question_vector
from services.inference.index import Found, entries, ranked, version_of, visible_to
from shared.events import DocumentAccepted, Passage

_VECTOR: Final = "bm25"
_BATCH: Final = 256


class ServerIndex:
    """Implements `services.inference.index.Index`.

    The collection belongs to one deployment; a process that starts writes every document again,
    in its newest state, while others answer from it.
    """

    def __init__(self, client: QdrantClient, collection: str) -> None:
        """Create the collection and its indexes where they do not exist."""
        self._client = client
        self._collection = collection
        self._create()

    def replace(self, document: DocumentAccepted) -> None:
        """See `Index.replace`."""
        points = [
            models.PointStruct(
                id=str(entry.id),
                vector={_VECTOR: _sparse(entry.vector)},
                payload=entry.payload,
            )
            for entry in entries(document)
        ]
        for start in range(0, len(points), _BATCH):
            self._client.upsert(self._collection, points[start : start + _BATCH], wait=True)
        others = models.Filter(
            must=_of_document(document.tenant, document.document_id),
            must_not=[_is("version", version_of(document))],
        )
        self._client.delete(self._collection, models.FilterSelector(filter=others), wait=True)

    def remove(self, tenant: str, document_id: str) -> None:
        """See `Index.remove`."""
        all_of_it = models.Filter(must=_of_document(tenant, document_id))
        self._client.delete(self._collection, models.FilterSelector(filter=all_of_it), wait=True)

    def search(
        self, question: str, *, tenant: str, groups: Iterable[str], limit: int
    ) -> list[Found]:
        """See `Index.search`."""
        vector = question_vector(question)
        if not vector.indices:
            return []
        visible = models.Filter(
            must=[
                _is("tenant", tenant),
                models.FieldCondition(key="groups", match=models.MatchAny(any=visible_to(groups))),
            ]
        )
        response = self._client.query_points(
            self._collection,
            query=_sparse(vector),
            using=_VECTOR,
            query_filter=visible,
            search_params=models.SearchParams(idf=models.IdfCorpusParams(corpus=visible)),
            limit=limit,
            with_payload=["passage"],
        )
        return ranked(
            Found(Passage.model_validate(hit.payload["passage"]), hit.score)
            for hit in response.points
            if hit.payload
        )

    def _create(self) -> None:
        sparse = {_VECTOR: models.SparseVectorParams(modifier=models.Modifier.IDF)}
        if not self._client.collection_exists(self._collection):
            try:
                self._client.create_collection(self._collection, sparse_vectors_config=sparse)
            except UnexpectedResponse:
                # another process may have been quicker
                if not self._client.collection_exists(self._collection):
                    raise
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        self._client.create_payload_index(self._collection, "tenant", tenant)
        for field in ("groups", "document"):
            self._client.create_payload_index(
                self._collection, field, models.PayloadSchemaType.KEYWORD
            )


def _is(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _of_document(tenant: str, document_id: str) -> list[Any]:
    return [_is("tenant", tenant), _is("document", document_id)]


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices, values=vector.values)
