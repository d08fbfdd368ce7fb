"""The index on a Qdrant server, shared by all inference processes."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from services.inference.bm25 import SparseVector, question_vector
from services.inference.index import Found, entries, ranked, version_of, visible_to
from shared.delivery import OverloadedError
from shared.events import DocumentAccepted, Passage

_VECTOR: Final = "bm25"
_BATCH: Final = 256


class IndexUnavailableError(OverloadedError):
    """The Qdrant server does not do its part; no request is the worse for it, they wait."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "qdrant",
            f"the server fails ({type(error).__name__}): see that it runs, and check "
            "GLIDESLOPE_QDRANT_URL and GLIDESLOPE_QDRANT_API_KEY",
        )


class ServerIndex:
    """Implements `services.inference.index.Index` once it is entered (`with`).

    The collection belongs to one deployment; a process that starts writes every document again,
    in its newest state, while others answer from it. Every call raises `IndexUnavailableError`
    when the server cannot be reached or refuses.
    """

    def __init__(self, connect: Callable[[], QdrantClient], collection: str) -> None:
        """Use the server that `connect` reaches."""
        self._connect = connect
        self._collection = collection
        self._client: Any = None

    def __enter__(self) -> Self:
        """Connect, and create the collection and its indexes where they do not exist."""
        with _failing_as_unavailable():
            self._client = self._connect()
            self._create()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def replace(self, document: DocumentAccepted) -> None:
        """See `Index.replace`."""
        with _failing_as_unavailable():
            self._replace(document)

    def _replace(self, document: DocumentAccepted) -> None:
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
        with _failing_as_unavailable():
            self._client.delete(
                self._collection, models.FilterSelector(filter=all_of_it), wait=True
            )

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
            ],
            must_not=[models.FieldCondition(key="valid_from", range=models.Range(gt=time.time()))],
        )
        with _failing_as_unavailable():
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
        self._client.create_payload_index(
            self._collection, "valid_from", models.PayloadSchemaType.FLOAT
        )


@contextmanager
def _failing_as_unavailable() -> Iterator[None]:
    try:
        yield
    except (ResponseHandlingException, UnexpectedResponse) as error:
        raise IndexUnavailableError(error) from error


def _is(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _of_document(tenant: str, document_id: str) -> list[Any]:
    return [_is("tenant", tenant), _is("document", document_id)]


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices, values=vector.values)
