"""The index in this process: Qdrant Edge, Qdrant's own embedded shard.

A shard belongs to one process, and is built afresh from Kafka at each start; so each process
takes a numbered folder that no other holds, and empties it. A lock on the folder, which ends
with the process however it ends, tells whether it is held.
"""

import fcntl
import itertools
import shutil
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import qdrant_edge as qdrant

from services.inference.bm25 import SparseVector, question_vector
from services.inference.index import Found, entries, ranked, version_of, visible_to
from shared.events import DocumentAccepted, Passage

_VECTOR: Final = "bm25"
_BATCH: Final = 256


class EdgeIndex:
    """Implements `services.inference.index.Index` once it is entered (`with`), empty then.

    Safe to use from several threads.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the shard below `folder`, which is created when needed."""
        self._folder = folder
        self._open = ExitStack()
        self._shard: Any = None

    def __enter__(self) -> Self:
        """Take a folder and create the shard in it."""
        with ExitStack() as opening:
            self._shard = self._create(self._claim(opening))
            opening.callback(self._shard.close)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def replace(self, document: DocumentAccepted) -> None:
        """See `Index.replace`."""
        points = [
            qdrant.Point(
                entry.id,
                {_VECTOR: _sparse(entry.vector)},
                entry.payload,
            )
            for entry in entries(document)
        ]
        for start in range(0, len(points), _BATCH):
            batch = points[start : start + _BATCH]
            self._shard.update(qdrant.UpdateOperation.upsert_points(batch))
        others = qdrant.Filter(
            must=_of_document(document.tenant, document.document_id),
            must_not=[_is("version", version_of(document))],
        )
        self._shard.update(qdrant.UpdateOperation.delete_points_by_filter(others))

    def remove(self, tenant: str, document_id: str) -> None:
        """See `Index.remove`."""
        all_of_it = qdrant.Filter(must=_of_document(tenant, document_id))
        self._shard.update(qdrant.UpdateOperation.delete_points_by_filter(all_of_it))

    def search(
        self, question: str, *, tenant: str, groups: Iterable[str], limit: int
    ) -> list[Found]:
        """See `Index.search`."""
        vector = question_vector(question)
        if not vector.indices:
            return []
        visible = qdrant.Filter(
            must=[
                _is("tenant", tenant),
                qdrant.FieldCondition("groups", match=qdrant.MatchAny(visible_to(groups))),
            ],
            must_not=[qdrant.FieldCondition("valid_from", range=qdrant.RangeFloat(gt=time.time()))],
        )
        hits = self._shard.query(
            qdrant.QueryRequest(
                limit=limit,
                query=qdrant.Query.Nearest(_sparse(vector), using=_VECTOR),
                filter=visible,
                params=qdrant.SearchParams(idf=qdrant.IdfParams(corpus=visible)),
                with_payload=["passage"],
            )
        )
        return ranked(
            Found(Passage.model_validate(hit.payload["passage"]), hit.score)
            for hit in hits
            if hit.payload
        )

    def _create(self, folder: Path) -> Any:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shard = qdrant.EdgeShard.create(
            str(folder),
            qdrant.EdgeConfig(
                sparse_vectors={
                    _VECTOR: qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)
                },
                wal_enabled=False,  # Kafka is the log that this is rebuilt from
            ),
        )
        for field in ("tenant", "groups", "document"):
            shard.update(
                qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Keyword)
            )
        shard.update(
            qdrant.UpdateOperation.create_field_index("valid_from", qdrant.PayloadSchemaType.Float)
        )
        return shard

    def _claim(self, opening: ExitStack) -> Path:
        """Return the place for a shard in the first numbered folder that no one holds."""
        for number in itertools.count():
            mine = self._folder / str(number)
            mine.mkdir(parents=True, exist_ok=True)
            lock = (mine / "lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                opening.enter_context(lock)
                return mine / "shard"
        raise AssertionError  # pragma: no cover - the count has no end


def _is(field: str, value: str) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(field, match=qdrant.MatchValue(value))


def _of_document(tenant: str, document_id: str) -> list[Any]:
    return [_is("tenant", tenant), _is("document", document_id)]


def _sparse(vector: SparseVector) -> qdrant.SparseVector:
    return qdrant.SparseVector(vector.indices, vector.values)
